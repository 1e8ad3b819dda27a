"""What is done to a graph before it is written."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from sts.export.graph import fold_sums


def model(nodes, outputs):
    constants = {"one": [1.0, 2.0], "two": [10.0, 20.0], "scalar": 5.0}
    graph = helper.make_graph(
        nodes,
        "sums",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in outputs],
        [numpy_helper.from_array(np.array(values, np.float32), name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def add(a, b, output):
    return helper.make_node("Add", [a, b], [output])


def results(made):
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.array([[3.0, 4.0]], np.float32)})


def folded(nodes, outputs):
    made = model(nodes, outputs)
    before = results(made)
    fold_sums(made)
    np.testing.assert_array_equal(results(made), before)
    return [node.op_type for node in made.graph.node]


def test_constants_that_are_added_one_after_the_other_are_added_once():
    assert folded([add("x", "one", "a"), add("two", "a", "y")], ["y"]) == ["Add"]
    assert folded([add("x", "one", "a"), add("a", "two", "b"), add("b", "one", "y")], ["y"]) == ["Add"]


def test_what_is_needed_in_between_stays():
    assert folded([add("x", "one", "a"), add("a", "two", "y")], ["y", "a"]) == ["Add", "Add"]
    nodes = [add("x", "one", "a"), add("a", "two", "b"), helper.make_node("Mul", ["a", "b"], ["y"])]
    assert folded(nodes, ["y"]) == ["Add", "Add", "Mul"]


def test_sums_of_other_values_or_shapes_stay():
    assert folded([add("x", "one", "a"), add("a", "x", "y")], ["y"]) == ["Add", "Add"]
    assert folded([add("x", "one", "a"), add("a", "scalar", "y")], ["y"]) == ["Add", "Add"]
