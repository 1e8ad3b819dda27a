"""The bidirectional LSTM head as ONNX nodes: PyTorch's exporter knows no packed sequences, ONNX's LSTM does."""

from typing import TYPE_CHECKING, Any

from sts.models.onnx_runtime import OUTPUT

if TYPE_CHECKING:
    import numpy as np
    import onnx


def append_head(model: "onnx.ModelProto", head: Any) -> None:
    """Turn the token states that a graph gives as `last` into logits (n,), its new first output.

    Args:
        model: has an input `attention_mask` and an output `last` (n, tokens, hidden).
        head: a `sts.models.heads.BiLstmHead`.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph

    def constant(name: str, values: "np.ndarray") -> str:
        graph.initializer.append(numpy_helper.from_array(values, f"head.{name}"))
        return f"head.{name}"

    both = ("", "_reverse")
    weights = [
        constant(kind, np.stack([_onnx_gates(getattr(head.lstm, f"{name}_l0{way}")) for way in both]))
        for kind, name in (("input", "weight_ih"), ("hidden", "weight_hh"))
    ]
    biases = [
        np.concatenate([_onnx_gates(getattr(head.lstm, f"bias_{kind}_l0{way}")) for kind in ("ih", "hh")])
        for way in both
    ]
    bias = constant("bias", np.stack(biases))
    matrix = constant("classifier", head.classifier.weight.detach().numpy().T.copy())
    offset = constant("offset", head.classifier.bias.detach().numpy())
    one, last = constant("one", np.array([1])), constant("last", np.array([-1]))
    graph.node.extend(
        [
            helper.make_node("ReduceSum", ["attention_mask", one], ["head.lengths64"], keepdims=0),
            helper.make_node("Cast", ["head.lengths64"], ["head.lengths"], to=TensorProto.INT32),
            helper.make_node("Transpose", ["last"], ["head.states"], perm=[1, 0, 2]),
            helper.make_node(
                "LSTM",
                ["head.states", *weights, bias, "head.lengths"],
                ["", "head.ends"],  # (2, n, hidden): each direction's last state
                direction="bidirectional",
                hidden_size=head.hidden,
            ),
            helper.make_node("Transpose", ["head.ends"], ["head.turned"], perm=[1, 0, 2]),
            helper.make_node("Flatten", ["head.turned"], ["head.flat"], axis=1),
            helper.make_node("MatMul", ["head.flat", matrix], ["head.product"]),
            helper.make_node("Add", ["head.product", offset], ["head.logits"]),
            helper.make_node("Squeeze", ["head.logits", last], [OUTPUT]),
        ]
    )
    states = next(output for output in graph.output if output.name != "last")
    rows = states.type.tensor_type.shape.dim[0].dim_param
    del graph.output[:]
    graph.output.extend([helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [rows]), states])


def _onnx_gates(values: Any) -> "np.ndarray":
    """PyTorch stacks input, forget, cell, output; ONNX input, output, forget, cell."""
    import numpy as np

    into, forget, cell, out = np.split(values.detach().numpy(), 4)
    return np.concatenate([into, out, forget, cell])
