import numpy as np
import pytest

from sts.errors import TrainingError
from sts.models.calibration import Calibration, fit_calibration


@pytest.mark.parametrize(
    "curve", [Calibration(3.0, 1.0, 1.0), Calibration(30.0, 0.2, 4.0), Calibration(0.5, 2.0, -3.0)]
)
def test_the_curve_that_made_the_labels_is_found(curve):
    cosines = np.random.default_rng(0).uniform(-0.2, 0.999, 400)
    label = curve.scores(cosines)
    found = fit_calibration(cosines, label)
    np.testing.assert_allclose(found.scores(cosines), label, atol=1e-2)
    assert (found.rise, found.fall, found.shift) == pytest.approx((curve.rise, curve.fall, curve.shift), rel=0.05)


def test_scores_by_hand():
    # c is 3/4: ln(3/4) - 2 ln(1/4) + 0.5
    logit = np.log(0.75) - 2 * np.log(0.25) + 0.5
    assert Calibration(1.0, 2.0, 0.5).scores([0.5])[0] == pytest.approx(5 / (1 + np.exp(-logit)), abs=1e-5)


def test_scores_rise_with_cosines_and_end_near_0_and_5():
    scores = Calibration(3.0, 0.5, 1.0).scores(np.linspace(-1, 1, 201))
    assert scores.dtype == np.float32
    assert (np.diff(scores) > 0).all()
    assert scores[0] == pytest.approx(0, abs=0.01)
    assert scores[-1] == pytest.approx(5, abs=0.01)
    assert Calibration(3.0, 0.5, 1.0).scores([1.0000001, -1.0000001]).tolist() == [scores[-1], scores[0]]


def test_the_cosine_of_a_score_is_its_inverse():
    curve = Calibration(6.0, 0.3, 2.0)
    for score in (0.1, 2.5, 3.0, 4.9):
        assert curve.scores([curve.cosine(score)])[0] == pytest.approx(score, abs=1e-5)
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
