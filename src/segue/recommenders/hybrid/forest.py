"""Small regression trees evaluated in NumPy: many tracks at once, nothing to import, all told.

LightGBM trains them and takes 0.4 s to import; a playlist of a few hundred candidates is scored
here in about a millisecond without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from segue.recommenders.arrays import load_array, save_arrays

__all__ = ["LEAVES", "Forest"]

LEAVES: Final = 16
"""Most leaves of a tree: one bit each in a mask of 16."""

_ARRAYS: Final = ("features", "thresholds", "masks", "values", "credits")

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Forest:
    """Trees of at most 16 leaves, all brought to the same shape.

    A node sends a track left where its feature is at most the threshold. Instead of walking
    down, every node that sends a track right strikes out the leaves to its left; the first leaf
    that is left is the track's (Lucchese et al. 2015, "QuickScorer: A Fast Algorithm to Rank
    Documents with Additive Ensembles of Regression Trees").

    Args:
        features: int64, shape (n_trees * 15,): column that each node looks at.
        thresholds: float64, same shape; inf for a node that is not there.
        masks: uint16, same shape: the leaves that stay when the node sends right.
        values: float64, shape (n_trees, 16): what each leaf adds to the score.
        credits: float32, shape (n_trees, 16, n_groups): the same by group of features.
    """

    features: npt.NDArray[np.int64]
    thresholds: Reals
    masks: npt.NDArray[np.uint16]
    values: Reals
    credits: npt.NDArray[np.float32]

    @classmethod
    def of_trees(
        cls, trees: Sequence[Mapping[str, Any]], groups: npt.NDArray[np.int64], n_groups: int
    ) -> Self:
        """From LightGBM's `dump_model()["tree_info"]`.

        What a leaf adds is put down to the features on the way to it, each by how much its node
        moved the mean (Saabas 2014, "Interpreting random forests"): exact in sum, and cheap.

        Args:
            groups: The group of each feature, shape (n_features,).
        """
        nodes = (len(trees), LEAVES - 1)
        features, thresholds = np.zeros(nodes, np.int64), np.full(nodes, np.inf)
        masks = np.full(nodes, 2**LEAVES - 1, np.uint16)
        values = np.zeros((len(trees), LEAVES))
        credits_ = np.zeros((len(trees), LEAVES, n_groups), np.float32)
        for t, tree in enumerate(trees):
            flat = _Flat.of(tree["tree_structure"])
            for n, (feature, threshold, first, middle) in enumerate(flat.nodes):
                features[t, n], thresholds[t, n] = feature, threshold
                masks[t, n] = (2**LEAVES - 1) ^ (2**middle - 2**first)
            for leaf, (value, path) in enumerate(flat.leaves):
                values[t, leaf] = value
                for feature, moved in path:
                    credits_[t, leaf, groups[feature]] += moved
        return cls(features.ravel(), thresholds.ravel(), masks.ravel(), values, credits_)

    def leaves(self, table: Reals) -> npt.NDArray[np.int64]:
        """The leaf of every tree that each row falls in, shape (len(table), n_trees).

        Args:
            table: float64, shape (n, n_features), no NaN.
        """
        nodes, firsts = self._real_nodes
        columns = np.ascontiguousarray(table.T)
        right = columns[self.features[nodes]] > self.thresholds[nodes, None]
        struck = right * ~self.masks[nodes, None]
        left_over = ~np.bitwise_or.reduceat(struck, firsts, axis=0)
        lowest = left_over & (~left_over + np.uint16(1))
        found: npt.NDArray[np.int64] = np.bitwise_count(lowest - np.uint16(1)).T.astype(np.int64)
        return found

    @cached_property
    def _real_nodes(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Nodes that are there, tree by tree, and where each tree begins; at least one a tree."""
        there = np.isfinite(self.thresholds).reshape(len(self.values), LEAVES - 1)
        there[:, 0] = True
        counts = there.sum(axis=1)
        return np.flatnonzero(there), np.cumsum(counts) - counts

    def scores(self, leaves: npt.NDArray[np.int64]) -> Reals:
        """What the trees say of rows in these leaves, in the order of the trees, shape (n,)."""
        return np.asarray(self.values[np.arange(len(self.values)), leaves].sum(axis=1))

    def contributions(self, leaves: npt.NDArray[np.int64]) -> Reals:
        """The scores as sums over groups of features, less a constant, shape (n, n_groups)."""
        parts = self.credits[np.arange(len(self.values)), leaves]
        return np.asarray(parts.sum(axis=1, dtype=np.float64))

    def save(self, folder: Path, prefix: str) -> None:
        """Write the arrays under names that start with the prefix."""
        save_arrays(folder, {f"{prefix}_{name}": getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, folder: Path, prefix: str) -> Self:
        """Read them back."""
        return cls(*(load_array(folder, f"{prefix}_{name}") for name in _ARRAYS))


@dataclass(frozen=True)
class _Flat:
    """One tree, leaves from left to right.

    Args:
        nodes: (feature, threshold, first leaf below, first leaf right of it).
        leaves: (value, steps to it as (feature, change of the mean)).
    """

    nodes: list[tuple[int, float, int, int]]
    leaves: list[tuple[float, list[tuple[int, float]]]]

    @classmethod
    def of(cls, root: Mapping[str, Any]) -> _Flat:
        flat = cls([], [])
        flat._add(root, [])
        return flat

    def _add(self, node: Mapping[str, Any], path: list[tuple[int, float]]) -> None:
        if "leaf_value" in node:
            self.leaves.append((float(node["leaf_value"]), path))
            return
        feature, here = int(node["split_feature"]), _mean(node)[0]
        first, at = len(self.leaves), len(self.nodes)
        self.nodes.append((feature, float(node["threshold"]), first, first))
        left, right = node["left_child"], node["right_child"]
        self._add(left, [*path, (feature, _mean(left)[0] - here)])
        middle = len(self.leaves)
        self.nodes[at] = (feature, float(node["threshold"]), first, middle)
        self._add(right, [*path, (feature, _mean(right)[0] - here)])


def _mean(node: Mapping[str, Any]) -> tuple[float, float]:
    """Mean value of the leaves below, weighted by how many rows fell in each, and how many did."""
    if "leaf_value" in node:
        return float(node["leaf_value"]), float(node.get("leaf_count", 1)) or 1.0
    (left, n_left), (right, n_right) = _mean(node["left_child"]), _mean(node["right_child"])
    return (left * n_left + right * n_right) / (n_left + n_right), n_left + n_right
