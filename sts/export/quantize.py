"""Matrix products in 8 bits, with a scale for each token and each output channel.

ONNX Runtime's own dynamic quantization has one scale for all tokens of a batch, so that a score depends on the batch
it is computed in, and an outlier in one token costs all others their precision. Here each token has its own (ZeroQuant,
Yao et al. 2022, https://arxiv.org/abs/2206.01861), and channels whose values are large are made smaller before, and
the weights that they meet larger (SmoothQuant, Xiao et al. 2022, https://arxiv.org/abs/2211.10438).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sts.export.graph import replace_nodes

if TYPE_CHECKING:
    import numpy as np
    import onnx

# a matrix smaller than this in one direction (a head's) stays in fp32: its product takes no time
SMALLEST = 32
# a table with fewer rows (positions, segments) stays in fp32
FEWEST_ROWS = 1000
# how much of the activations' spread is moved into the weights; the paper's own choice
SMOOTHING = 0.5
LARGEST = 127
# GELU gives nothing below this: its values are counted from here, so that no half of the bytes is left unused
LOWEST_GELU = -0.1701


class _Graph:
    """A graph's constants, and the nodes that take the place of its own."""

    def __init__(self, model: "onnx.ModelProto") -> None:
        self.model = model
        self.stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        # what an activation gives is far from even around 0
        self.activated = {node.output[0] for node in model.graph.node if node.op_type == "Gelu"}

    def values(self, name: str) -> "np.ndarray":
        from onnx import numpy_helper

        values: np.ndarray = numpy_helper.to_array(self.stored[name])
        return values

    def constant(self, name: str, values: "np.ndarray") -> str:
        """Store a constant, once by its name."""
        from onnx import numpy_helper

        if name not in self.stored:
            self.stored[name] = numpy_helper.from_array(values, name)
            self.model.graph.initializer.append(self.stored[name])
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def products(self) -> "list[onnx.NodeProto]":
        """The nodes that multiply by a stored matrix large enough to be quantized."""
        return [
            node
            for node in self.model.graph.node
            if node.op_type == "MatMul"
            and node.input[1] in self.stored
            and len(shape := self.stored[node.input[1]].dims) == 2
            and min(shape) >= SMALLEST
        ]


def largest_values(
    model: "onnx.ModelProto", batches: Sequence[Mapping[str, "np.ndarray"]]
) -> dict[str, "np.ndarray"]:
    """The largest magnitude (channels,) of each channel that meets a matrix, by the name of what is multiplied.

    Args:
        model: the graph in fp32.
        batches: its inputs, of which `attention_mask` says where padding is.
    """
    import numpy as np
    import onnx
    import onnxruntime

    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    there = {output.name for output in probe.graph.output}
    names = list(dict.fromkeys(node.input[0] for node in _Graph(model).products()))
    probe.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names if name not in there)
    session = onnxruntime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    largest: dict[str, np.ndarray] = {}
    for batch in batches:
        seen = batch["attention_mask"].astype(bool)
        for name, values in zip(names, session.run(names, dict(batch)), strict=True):
            rows = np.abs(values[seen] if values.ndim == 3 else values).max(axis=0)
            largest[name] = np.maximum(largest.get(name, 0), rows)
    return largest


def quantize(
    model: "onnx.ModelProto", largest: Mapping[str, "np.ndarray"], progress: Callable[[int], object] = lambda _: None
) -> None:
    """Turn a graph's large matrix products, and its large tables, into 8 bits, in place.

    Args:
        model: the graph in fp32.
        largest: what `largest_values` gave for it.
        progress: called with 1 for each matrix or table.
    """
    from onnx import helper

    graph = _Graph(model)
    products = graph.products()
    chosen = {node.output[0] for node in products}
    factors = _smoothing(graph, products, largest)
    quantized: dict[tuple[str, str], str] = {}
    for node in model.graph.node:
        if node.output[0] in chosen:
            _product(graph, node, factors, quantized, progress)
        elif node.op_type == "Gather" and _is_table(graph, node.input[0]):
            _table(graph, node)
            progress(1)
        else:
            graph.nodes.append(node)
    if not any(entry.domain == "com.microsoft" for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    replace_nodes(model, graph.nodes)


def _smoothing(
    graph: _Graph, products: "Sequence[onnx.NodeProto]", largest: Mapping[str, "np.ndarray"]
) -> dict[str, tuple[str, "np.ndarray"]]:
    """For each matrix, what the channels that meet it are divided by, (channels,), and its rows multiplied by.

    Each comes with a name, that of the first matrix that has these factors. Layers that share a matrix share its factors, and matrices that the same values meet share theirs.
    """
    import numpy as np

    meets: dict[str, list[str]] = defaultdict(list)
    for node in products:
        meets[node.input[1]].append(node.input[0])
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for matrix, inputs in meets.items():
        together[tuple(inputs)].append(matrix)
    factors = {}
    for inputs, matrices in together.items():
        spread = np.max([largest[name] for name in inputs], axis=0).clip(1e-5)
        weight = np.max([np.abs(graph.values(name)).max(axis=1) for name in matrices], axis=0).clip(1e-5)
        factor = spread**SMOOTHING / weight ** (1 - SMOOTHING)
        # their geometric mean is 1, for a common factor changes nothing
        factor = np.exp(np.log(factor) - np.log(factor).mean()).clip(0.05, 20).astype(np.float32)
        factors |= dict.fromkeys(matrices, (f"{matrices[0]}.smooth", factor))
    return factors


def _product(
    graph: _Graph,
    node: "onnx.NodeProto",
    factors: Mapping[str, tuple[str, "np.ndarray"]],
    quantized: dict[tuple[str, str], str],
    progress: Callable[[int], object],
) -> None:
    """Add the nodes of one product in 8 bits; what is multiplied is quantized once for all matrices that it meets."""
    import numpy as np

    values, matrix = node.input
    group, factor = factors[matrix]
    one, zero = graph.constant("int8.one", np.float32(1)), graph.constant("int8.none", np.uint8(0))
    middle = graph.constant("int8.middle", np.uint8(128))
    if f"{matrix}.int8" not in graph.stored:
        weights = graph.values(matrix) * factor[:, None]
        scale = np.maximum(np.abs(weights).max(axis=0) / LARGEST, 1e-12).astype(np.float32)
        graph.constant(f"{matrix}.int8", np.round(weights / scale).astype(np.int8))
        graph.constant(f"{matrix}.scale", scale)
        graph.constant(f"{matrix}.zero", np.zeros(len(scale), np.int8))
        progress(1)
    shifted = values in graph.activated
    if (values, group) not in quantized:
        quantized[values, group] = _quantized(graph, values, group, factor, shifted=shifted)
    name = quantized[values, group]
    # the runtime's one kernel for a product of bytes and its scaling wants one scale on the left: the tokens' follow
    product = graph.node(
        "MatMulIntegerToFloat",
        [name, f"{matrix}.int8", one, f"{matrix}.scale", zero if shifted else middle, f"{matrix}.zero"],
        f"{node.output[0]}.product",
        domain="com.microsoft",
    )
    if not shifted:
        graph.node("Mul", [product, f"{name}.scale"], node.output[0])
        return
    shift = LOWEST_GELU / factor
    back = shift @ (graph.values(f"{matrix}.int8") * graph.values(f"{matrix}.scale"))
    scaled = graph.node("Mul", [product, f"{name}.scale"], f"{node.output[0]}.scaled")
    graph.node("Add", [scaled, graph.constant(f"{matrix}.back", back.astype(np.float32))], node.output[0])


def _quantized(graph: _Graph, values: str, group: str, factor: "np.ndarray", *, shifted: bool) -> str:
    """Add the nodes that bring values to bytes, each token by its own scale, and name them."""
    import numpy as np

    name = f"{values}.int8.{group}"
    last = graph.constant("int8.last", np.array([-1], np.int64))
    smooth = graph.node("Mul", [values, graph.constant(group, (1 / factor).astype(np.float32))], f"{name}.smooth")
    if shifted:
        shift = graph.constant(f"{group}.shift", (-LOWEST_GELU / factor).astype(np.float32))
        smooth = graph.node("Add", [smooth, shift], f"{name}.shifted")
        largest, share, middle = smooth, 1 / 255, "int8.none"
    else:
        largest, share, middle = graph.node("Abs", [smooth], f"{name}.abs"), 1 / LARGEST, "int8.middle"
    most = graph.node("ReduceMax", [largest, last], f"{name}.most", keepdims=1)
    part = graph.node("Mul", [most, graph.constant(f"{middle}.share", np.float32(share))], f"{name}.part")
    scale = graph.node("Max", [part, graph.constant("int8.least", np.float32(1e-12))], f"{name}.scale")
    return graph.node("QuantizeLinear", [graph.node("Div", [smooth, scale], f"{name}.units"), "int8.one", middle], name)


def _is_table(graph: _Graph, name: str) -> bool:
    return name in graph.stored and len(shape := graph.stored[name].dims) == 2 and shape[0] >= FEWEST_ROWS


def _table(graph: _Graph, node: "onnx.NodeProto") -> None:
    """Add the nodes that look rows up in a table of 8 bits, with a scale for each row."""
    import numpy as np
    from onnx import TensorProto

    table, rows = node.input
    weights = graph.values(table)
    scale = np.maximum(np.abs(weights).max(axis=1, keepdims=True) / LARGEST, 1e-12).astype(np.float32)
    graph.constant(f"{table}.int8", np.round(weights / scale).astype(np.int8))
    graph.constant(f"{table}.scale", scale)
    found = graph.node("Gather", [f"{table}.int8", rows], f"{node.output[0]}.int8", axis=0)
    factor = graph.node("Gather", [f"{table}.scale", rows], f"{node.output[0]}.scale", axis=0)
    wide = graph.node("Cast", [found], f"{node.output[0]}.wide", to=TensorProto.FLOAT)
    graph.node("Mul", [wide, factor], node.output[0])
