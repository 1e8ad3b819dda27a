"""Matrix products in 8 bits, with a scale for each token and each output channel.

ONNX Runtime's own dynamic quantization has one scale for all tokens of a batch, so that a score depends on the batch
it is computed in, and an outlier in one token costs all others their precision. Here each token has its own
(ZeroQuant, Yao et al. 2022, https://arxiv.org/abs/2206.01861); channels whose values are large are made smaller before,
and the weights that they meet larger (SmoothQuant, Xiao et al. 2022, https://arxiv.org/abs/2211.10438); and what
rounding the weights adds to a channel on average is taken off again (Nagel et al. 2019,
https://arxiv.org/abs/1906.04721).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sts.export.graph import fold_sums, replace_nodes

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


@dataclass(frozen=True)
class Seen:
    """Values that meet a matrix, over some texts' tokens: each channel's largest magnitude and mean, (channels,)."""

    largest: "np.ndarray"
    mean: "np.ndarray"


@dataclass(frozen=True)
class _Smoothing:
    """What the channels (channels,) of values are divided by, and the rows of the matrices that they meet multiplied.

    Layers that share a matrix share it, and so do matrices that the same values meet. The name is its own.
    """

    name: str
    factor: "np.ndarray"


class _Graph:
    """A graph's constants, and the nodes that take the place of its own."""

    def __init__(self, model: "onnx.ModelProto") -> None:
        self.model = model
        self.stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        # what an activation gives is far from even around 0
        self.activated = {node.output[0] for node in model.graph.node if node.op_type == "Gelu"}

    def values(self, name: str) -> "np.ndarray":
        """A constant."""
        from onnx import numpy_helper

        values: np.ndarray = numpy_helper.to_array(self.stored[name])
        return values

    def constant(self, name: str, values: Any, kind: str = "float32") -> str:
        """Store a constant, once by its name."""
        import numpy as np
        from onnx import numpy_helper

        if name not in self.stored:
            self.stored[name] = numpy_helper.from_array(np.asarray(values, dtype=kind), name)
            self.model.graph.initializer.append(self.stored[name])
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node and name its output."""
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

    def is_table(self, name: str) -> bool:
        """Whether a constant is a table of many rows."""
        return name in self.stored and len(shape := self.stored[name].dims) == 2 and shape[0] >= FEWEST_ROWS


def observe(model: "onnx.ModelProto", batches: Sequence[Mapping[str, "np.ndarray"]]) -> dict[str, Seen]:
    """What meets the matrices, by its name.

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
    tokens: dict[str, list[np.ndarray]] = defaultdict(list)
    for batch in batches:
        real = batch["attention_mask"].astype(bool)
        for name, values in zip(names, session.run(names, dict(batch)), strict=True):
            tokens[name].append(values[real] if values.ndim == 3 else values)
    together = {name: np.concatenate(rows) for name, rows in tokens.items()}
    return {name: Seen(np.abs(rows).max(axis=0), rows.mean(axis=0)) for name, rows in together.items()}


def quantize(
    model: "onnx.ModelProto", seen: Mapping[str, Seen], progress: Callable[[int], object] = lambda _: None
) -> None:
    """Turn a graph's large matrix products, and its large tables, into 8 bits, in place.

    Args:
        model: the graph in fp32.
        seen: what `observe` gave for it.
        progress: called with 1 for each product or table.
    """
    from onnx import helper

    graph = _Graph(model)
    products = graph.products()
    chosen = {node.output[0] for node in products}
    smoothing = _smoothing(graph, products, seen)
    bytes_of: dict[tuple[str, str], str] = {}
    for node in list(model.graph.node):
        if node.output[0] in chosen:
            values, matrix = node.input
            smooth = smoothing[matrix]
            # quantized once for all matrices that they meet
            if (values, smooth.name) not in bytes_of:
                bytes_of[values, smooth.name] = _bytes(graph, values, smooth)
            _product(graph, node, bytes_of[values, smooth.name], smooth.factor, seen[values].mean)
            progress(1)
        elif node.op_type == "Gather" and graph.is_table(node.input[0]):
            _table(graph, node)
            progress(1)
        else:
            graph.nodes.append(node)
    if not any(entry.domain == "com.microsoft" for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    replace_nodes(model, graph.nodes)
    fold_sums(model)


def _smoothing(graph: _Graph, products: "Sequence[onnx.NodeProto]", seen: Mapping[str, Seen]) -> dict[str, _Smoothing]:
    """The smoothing of each matrix, by its name."""
    import numpy as np

    meets: dict[str, list[str]] = defaultdict(list)
    for node in products:
        meets[node.input[1]].append(node.input[0])
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for matrix, values in meets.items():
        together[tuple(values)].append(matrix)
    found: dict[str, _Smoothing] = {}
    for names, matrices in together.items():
        spread = np.max([seen[name].largest for name in names], axis=0).clip(1e-5)
        weight = np.max([np.abs(graph.values(name)).max(axis=1) for name in matrices], axis=0).clip(1e-5)
        factor = spread**SMOOTHING / weight ** (1 - SMOOTHING)
        # their geometric mean is 1, for a common factor changes nothing
        factor = np.exp(np.log(factor) - np.log(factor).mean()).clip(0.05, 20)
        found |= dict.fromkeys(matrices, _Smoothing(f"{matrices[0]}.smooth", factor))
    return found


def _bytes(graph: _Graph, values: str, smooth: _Smoothing) -> str:
    """Add the nodes that bring values to bytes, each token by its own scale, which has the bytes' name and `.scale`."""
    name = f"{values}.int8.{smooth.name}"
    least, last = graph.constant("int8.least", 1e-12), graph.constant("int8.last", [-1], "int64")
    found = graph.node("Mul", [values, graph.constant(smooth.name, 1 / smooth.factor)], f"{name}.smooth")
    if values in graph.activated:
        found = graph.node(
            "Add", [found, graph.constant(f"{smooth.name}.shift", -LOWEST_GELU / smooth.factor)], f"{name}.shifted"
        )
        magnitude, share = found, graph.constant("int8.share255", 1 / 255)
    else:
        magnitude, share = graph.node("Abs", [found], f"{name}.abs"), graph.constant("int8.share127", 1 / LARGEST)
    most = graph.node("ReduceMax", [magnitude, last], f"{name}.most", keepdims=1)
    part = graph.node("Mul", [most, share], f"{name}.part")
    scale = graph.node("Max", [part, least], f"{name}.scale")
    units = graph.node("Div", [found, scale], f"{name}.units")
    return graph.node("QuantizeLinear", [units, graph.constant("int8.one", 1), _zero(graph, values)], name)


def _zero(graph: _Graph, values: str) -> str:
    """The byte that stands for 0 in what `_bytes` gives."""
    if values in graph.activated:
        return graph.constant("int8.none", 0, "uint8")
    return graph.constant("int8.middle", 128, "uint8")


def _product(graph: _Graph, node: "onnx.NodeProto", name: str, factor: "np.ndarray", mean: "np.ndarray") -> None:
    """Add the nodes of one product in 8 bits, of the bytes that `name` names."""
    import numpy as np

    values, matrix = node.input
    whole = graph.values(matrix)
    scale = np.maximum(np.abs(whole * factor[:, None]).max(axis=0) / LARGEST, 1e-12)
    rounded = np.round(whole * factor[:, None] / scale)
    graph.constant(f"{matrix}.int8", rounded, "int8")
    graph.constant(f"{matrix}.scale", scale)
    graph.constant(f"{matrix}.zero", np.zeros(len(scale)), "int8")
    # the runtime's one kernel for a product of bytes and its scaling wants one scale on the left: the tokens' follow
    product = graph.node(
        "MatMulIntegerToFloat",
        [name, f"{matrix}.int8", "int8.one", f"{matrix}.scale", _zero(graph, values), f"{matrix}.zero"],
        f"{node.output[0]}.product",
        domain="com.microsoft",
    )
    scaled = graph.node("Mul", [product, f"{name}.scale"], f"{node.output[0]}.scaled")
    stored = rounded * scale / factor[:, None]
    offset = mean @ (whole - stored)
    if values in graph.activated:
        offset = offset + LOWEST_GELU * stored.sum(axis=0)
    graph.node("Add", [scaled, graph.constant(f"{node.output[0]}.offset", offset)], node.output[0])


def _table(graph: _Graph, node: "onnx.NodeProto") -> None:
    """Add the nodes that look rows up in a table of 8 bits, with a scale for each row."""
    import numpy as np
    from onnx import TensorProto

    table, rows = node.input
    weights, output = graph.values(table), node.output[0]
    scale = np.maximum(np.abs(weights).max(axis=1, keepdims=True) / LARGEST, 1e-12)
    stored = graph.constant(f"{table}.int8", np.round(weights / scale), "int8")
    found = graph.node("Gather", [stored, rows], f"{output}.int8", axis=0)
    factor = graph.node("Gather", [graph.constant(f"{table}.scale", scale), rows], f"{output}.scale", axis=0)
    wide = graph.node("Cast", [found], f"{output}.wide", to=TensorProto.FLOAT)
    graph.node("Mul", [wide, factor], output)
