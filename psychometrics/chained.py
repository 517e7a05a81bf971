"""Equating for small groups and by chains: circle-arc, nominal weights mean, chained linear, chained equipercentile.

The circle-arc needs one estimated point; a chain goes from form X to the anchor in the new group and from the anchor to form Y
in the old one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from psychometrics.arrays import FloatArray, ParameterError
from psychometrics.equating import equipercentile_equating
from psychometrics.nonequivalent import GroupMoments, LinearLink

STRAIGHT = 1e-9


def circle_arc(
    scores: ArrayLike,
    middle: tuple[float, float],
    *,
    highest: tuple[float, float],
    lowest: tuple[float, float] = (0, 0),
) -> FloatArray:
    r"""Return the Y equivalents of X scores on the arc through two fixed ends and one estimated point between them.

    Parameters
    ----------
    scores : array_like
        X scores.
    middle : tuple of float
        The point that was estimated, commonly the means of both forms.
    highest, lowest : tuple of float
        X and Y scores that are taken to be worth the same: full marks, and nothing or what guessing gives.

    Returns
    -------
    ndarray of float64, shape of `scores`
        Below `lowest` the straight line through both ends.

    Raises
    ------
    ParameterError
        If the three points do not lie from left to right.

    Notes
    -----
    The simplified version: the arc is drawn over the line :math:`L` through the ends and added to it. With
    :math:`d = y_2 - L(x_2)`, :math:`x_c = (x_1 + x_3) / 2`:

    .. math:: y_c = \frac{x_1^2 (x_3 - x_2) - (x_2^2 + d^2)(x_3 - x_1) + x_3^2 (x_2 - x_1)}{-2 d (x_3 - x_1)},\;
       r^2 = (x_c - x_1)^2 + y_c^2

    References
    ----------
    Livingston & Kim (2009), The circle-arc method for equating in small samples, J. Educ. Meas. 46, 330-343.

    Examples
    --------
    >>> circle_arc([0, 50, 100], (50, 55), highest=(100, 100))
    array([  0.,  55., 100.])
    """
    x = np.asarray(scores, np.float64)
    (x1, y1), (x2, y2), (x3, y3) = lowest, middle, highest
    if not x1 < x2 < x3:
        raise ParameterError("the middle point must lie between the ends")
    slope = (y3 - y1) / (x3 - x1)
    line = y1 + slope * (x - x1)
    rise = y2 - (y1 + slope * (x2 - x1))
    if abs(rise) < STRAIGHT:
        return np.asarray(line)
    top = x1**2 * (x3 - x2) - (x2**2 + rise**2) * (x3 - x1) + x3**2 * (x2 - x1)
    centre, centre_y = (x1 + x3) / 2, top / (-2 * rise * (x3 - x1))
    radius = (centre - x1) ** 2 + centre_y**2
    arc = centre_y + np.sign(rise) * np.sqrt(np.maximum(radius - (x - centre) ** 2, 0))
    return np.asarray(np.where((x > x1) & (x < x3), line + arc, line))


def nominal_weights_mean(
    scores: ArrayLike, new: GroupMoments, old: GroupMoments, *, ratios: tuple[float, float], weight: float = 1.0
) -> FloatArray:
    r"""Return the Y equivalents of X scores by means alone, the anchor standing for the form in proportion to its marks.

    Parameters
    ----------
    scores : array_like
        X scores.
    new, old : GroupMoments
        The group of form X and that of form Y; only their means are used.
    ratios : tuple of float
        Full marks of form X and of form Y over those of the anchor.
    weight : float
        Weight of the new group in the synthetic group, 0 to 1.

    Notes
    -----
    .. math:: y = x - \left(\mu_X - w_2 \tfrac{K_X}{K_V} \Delta\right) + \left(\mu_Y + w_1 \tfrac{K_Y}{K_V} \Delta\right),\;
       \Delta = \mu_{V,new} - \mu_{V,old}

    References
    ----------
    Babcock, Albano & Raymond (2012), Nominal weights mean equating, Educ. Psychol. Meas. 72, 608-628.

    Examples
    --------
    >>> new, old = GroupMoments(60.0, 9, 12.0, 2, 15), GroupMoments(66.0, 9, 13.0, 2, 15)
    >>> nominal_weights_mean([60.0], new, old, ratios=(5.0, 5.0))
    array([61.])
    """
    if not 0 <= weight <= 1:
        raise ParameterError("weight must lie between 0 and 1")
    gap = new.anchor_mean - old.anchor_mean
    mean_x = new.mean - (1 - weight) * ratios[0] * gap
    mean_y = old.mean + weight * ratios[1] * gap
    return np.asarray(np.asarray(scores, np.float64) - mean_x + mean_y)


def chained_linear(new: GroupMoments, old: GroupMoments) -> LinearLink:
    r"""Return the line from X to the anchor in the new group and on to Y in the old group.

    Notes
    -----
    .. math:: y = \mu_Y + \frac{\sigma_Y}{\sigma_{V,old}} \left(\mu_{V,new} - \mu_{V,old}
       + \frac{\sigma_{V,new}}{\sigma_X} (x - \mu_X)\right)

    References
    ----------
    Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., ch. 4 (chained linear equating).

    Examples
    --------
    >>> same = GroupMoments(10.0, 4.0, 5.0, 2.0, 6.0)
    >>> chained_linear(same, same)
    LinearLink(slope=1.0, intercept=0.0)
    """
    if not min(new.sd, new.anchor_sd, old.sd, old.anchor_sd) > 0:
        raise ParameterError("form and anchor must vary")
    slope = (old.sd / old.anchor_sd) * (new.anchor_sd / new.sd)
    start = old.mean + old.sd / old.anchor_sd * (new.anchor_mean - old.anchor_mean)
    return LinearLink(slope, start - slope * new.mean)


def chained_equipercentile(new: tuple[ArrayLike, ArrayLike], old: tuple[ArrayLike, ArrayLike]) -> FloatArray:
    r"""Return the Y equivalent of every X score: by percentiles to the anchor in the new group, on to Y in the old one.

    Parameters
    ----------
    new, old : tuple of array_like
        Frequencies of the form's and of the anchor's scores 0, 1, …; smoothed ones may be given.

    Notes
    -----
    .. math:: e_Y(x) = e_{Y,old}\left(e_{V,new}(x)\right)

    The second curve is joined by straight lines between its scores.

    References
    ----------
    Kolen & Brennan (2014), Test Equating, Scaling, and Linking, 3rd ed., ch. 5 (chained equipercentile equating).

    Examples
    --------
    >>> group = ([1, 2, 1], [1, 2, 1])
    >>> chained_equipercentile(group, group)
    array([0., 1., 2.])
    """
    to_anchor = equipercentile_equating(*new)
    from_anchor = equipercentile_equating(old[1], old[0])
    steps = np.arange(from_anchor.size, dtype=np.float64)
    last = np.asarray(old[0]).size - 1
    places = np.concatenate([[-0.5], steps, [steps[-1] + 0.5]])
    values = np.concatenate([[-0.5], from_anchor, [last + 0.5]])
    return np.asarray(np.interp(to_anchor, places, values))
