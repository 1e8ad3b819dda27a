"""A scorer's network as an ONNX graph: PyTorch's exporter, then what it leaves undone."""

import contextlib
import logging
import warnings
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any

from sts.errors import ScorerError, reason
from sts.models.onnx_runtime import OUTPUT, STATES
from sts.models.torch_runtime import states_layer
from sts.quiet import quiet_libraries

if TYPE_CHECKING:
    import onnx

    from sts.models import ScorerInfo
    from sts.models.network import Network

# sentences that the exporter traces: two, of different lengths, so that it takes neither number for fixed
EXAMPLES = ["방이 깨끗했어요.", "숙소는 역에서 가깝고 주변에 식당이 많아서 편리했어요."]


def make_graph(network: "Network", info: "ScorerInfo") -> "onnx.ModelProto":
    """The network as an ONNX model in fp32, for any number of rows and tokens.

    Its outputs are `output`, logits (n,) or vectors (n, dimension), and `states` (n, tokens, hidden) of the layer that
    alignment reads.

    Args:
        network: of the scorer, on the processor, its attention plain matrix products.
        info: what `sts.json` says of it.

    Raises:
        ScorerError: the architecture can't be exported.
    """
    import torch

    tokenizer: Any = network.tokenizer
    names = [name for name in tokenizer.model_input_names if name in ("input_ids", "attention_mask", "token_type_ids")]
    columns = [EXAMPLES, EXAMPLES[::-1]] if info.mode == "cross" else [EXAMPLES]
    example = tokenizer(*columns, padding=True, truncation=True, max_length=info.max_length, return_tensors="pt")
    rows, longest = torch.export.Dim("rows"), torch.export.Dim("tokens")
    module = _module(network, info, names)
    try:
        with quiet_libraries(), _quiet_exporter(), torch.inference_mode():
            program = torch.onnx.export(
                module.eval(),
                tuple(example[name] for name in names),
                dynamo=True,
                input_names=names,
                output_names=["last", STATES] if info.head == "bilstm" else [OUTPUT, STATES],
                dynamic_shapes=((({0: rows, 1: longest},) * len(names)),),
                verbose=False,
            )
        model = program.model_proto  # type: ignore[union-attr]
    except Exception as error:  # the exporter's errors are of many kinds
        raise ScorerError(
            f"the network of {info.base_model} can't be exported to ONNX ({reason(error)}); score it with torch"
        ) from error
    strip_traces(model)
    fold_transposes(model)
    if info.head == "bilstm":
        from sts.export.lstm import append_head

        append_head(model, network[1])
    return model


def _module(network: Any, info: "ScorerInfo", names: list[str]) -> Any:
    """The network as a module of tensors alone."""
    import torch

    class Exported(torch.nn.Module):
        """Takes the tensors that `names` names, and gives the outputs."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = network[0].model
            self.rest = torch.nn.ModuleList(list(network)[1:])
            self.layer = states_layer(self.encoder.config)

        def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            """Outputs of rows of tokens."""
            inputs = dict(zip(names, tensors, strict=True))
            found = self.encoder(**inputs, output_hidden_states=True)
            states = found.hidden_states[self.layer]
            if info.head == "linear":
                return found.logits.view(-1), states
            if info.head == "bilstm":  # its packed sequences are beyond the exporter: `sts.export.lstm`
                return found.last_hidden_state, states
            features = inputs | {"token_embeddings": found.last_hidden_state}
            for module in self.rest:
                features = module(features)
            return features["sentence_embedding"], states

    return Exported()


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter warns of packages that are not installed and of what it deprecates in itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


def strip_traces(model: "onnx.ModelProto") -> None:
    """Leave out what the exporter notes of the code that each node comes from, paths on this machine among it."""
    graph = model.graph
    for entry in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        del entry.metadata_props[:]
        entry.doc_string = ""


def fold_transposes(model: "onnx.ModelProto") -> None:
    """Store matrices as they are multiplied, once each.

    The exporter leaves a matrix that several layers share (ALBERT's) to be transposed wherever it is used, for it
    would otherwise store it as often.
    """
    import numpy as np
    from onnx import numpy_helper

    graph = model.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    turned: dict[str, str] = {}
    kept = []
    for node in graph.node:
        if node.op_type == "Transpose" and node.input[0] in stored:
            order = list(node.attribute[0].ints)
            name = f"{node.input[0]}.{''.join(map(str, order))}"
            if name not in stored:
                values = np.ascontiguousarray(numpy_helper.to_array(stored[node.input[0]]).transpose(order))
                stored[name] = numpy_helper.from_array(values, name)
                graph.initializer.append(stored[name])
            turned[node.output[0]] = name
        else:
            kept.append(node)
    for node in kept:
        for place, name in enumerate(node.input):
            node.input[place] = turned.get(name, name)
    replace_nodes(model, kept)


def fold_sums(model: "onnx.ModelProto") -> None:
    """Add two constants that are added one after the other as one: a pass less over what they are added to."""
    from collections import Counter

    from onnx import numpy_helper

    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    uses = Counter(name for node in model.graph.node for name in node.input)
    uses.update(output.name for output in model.graph.output)
    sums: dict[str, tuple[onnx.NodeProto, str, str]] = {}
    for node in model.graph.node:
        found = _sum(node, stored)
        if found is not None:
            sums[node.output[0]] = (node, *found)
    gone = set()
    for node, values, constant in list(sums.values()):
        earlier = sums.get(values)
        if earlier is None or uses[values] > 1:
            continue
        both = [numpy_helper.to_array(stored[name]) for name in (earlier[2], constant)]
        if both[0].shape != both[1].shape:
            continue
        tensor = numpy_helper.from_array(both[0] + both[1], f"{node.output[0]}.constant")
        model.graph.initializer.append(tensor)
        stored[tensor.name] = tensor
        node.input[:] = [earlier[1], tensor.name]
        sums[node.output[0]] = (node, earlier[1], tensor.name)
        gone.add(values)
    replace_nodes(model, [node for node in model.graph.node if node.output[0] not in gone])


def _sum(node: "onnx.NodeProto", stored: Container[str]) -> tuple[str, str] | None:
    """What a node adds a constant to, and the constant; None where it does not."""
    if node.op_type != "Add" or len(known := [name for name in node.input if name in stored]) != 1:
        return None
    return next(name for name in node.input if name != known[0]), known[0]


def replace_nodes(model: "onnx.ModelProto", nodes: "list[onnx.NodeProto]") -> None:
    """Make `nodes` the graph's, and leave out the constants that none of them uses."""
    graph = model.graph
    nodes = list(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
