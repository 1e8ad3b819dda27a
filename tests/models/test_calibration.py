import numpy as np
import pytest

from sts.errors import TrainingError
from sts.models.calibration import Calibration, fit_calibration


@pytest.mark.parametrize(("slope", "intercept"), [(3.0, -1.0), (60.0, -50.0), (0.5, 2.0)])
def test_the_curve_that_made_the_labels_is_found(slope, intercept):
    cosines = np.random.default_rng(0).uniform(-0.2, 1, 400)
    label = 5 / (1 + np.exp(-(slope * cosines + intercept)))
    found = fit_calibration(cosines, label)
    assert found.slope == pytest.approx(slope, rel=0.01)
    assert found.intercept == pytest.approx(intercept, rel=0.01)
    np.testing.assert_allclose(found.scores(cosines), label, atol=1e-2)


def test_scores_rise_with_cosines_and_stay_within_0_and_5():
    curve = Calibration(20.0, -10.0)
    scores = curve.scores(np.linspace(-1, 1, 201))
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 5)).all()
    assert (np.diff(scores[60:160]) > 0).all()
    assert curve.scores(np.array([0.5]))[0] == pytest.approx(2.5)


def test_the_cosine_of_a_score_is_its_inverse():
    curve = Calibration(6.0, -2.0)
    for score in (0.1, 2.5, 3.0, 4.9):
        assert curve.scores(np.array([curve.cosine(score)]))[0] == pytest.approx(score, abs=1e-5)
    assert curve.cosine(0.0) == -np.inf
    assert curve.cosine(5.0) == np.inf


def test_narrow_cosines_are_fitted_too():
    """An untrained encoder's cosines lie close together."""
    generator = np.random.default_rng(1)
    label = generator.uniform(0, 5, 300)
    found = fit_calibration(0.9 + 0.004 * label + generator.normal(0, 0.002, 300), label)
    scores = found.scores(0.9 + 0.004 * np.array([0.5, 2.5, 4.5]))
    np.testing.assert_allclose(scores, [0.5, 2.5, 4.5], atol=0.4)


@pytest.mark.parametrize("cosines", [[0.5, 0.5, 0.5], [0.9, 0.5, 0.1], [np.nan, 0.1, 0.2]])
def test_cosines_that_do_not_rise_with_the_labels_are_refused(cosines):
    with pytest.raises(TrainingError, match="the cosines do not rise with the labels"):
        fit_calibration(np.array(cosines), np.array([0.0, 2.0, 4.0]))
