"""Losses for pairs of which a range of scores is known: inside it, nothing pulls.

A labelled pair is a range whose ends are the same; for such pairs these are the losses that they are made from.
"""

from typing import Any

import torch
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
from sentence_transformers.sentence_transformer.losses import CoSENTLoss
from sentence_transformers.util import batch_to_device


class RangeCrossEntropyLoss(BinaryCrossEntropyLoss):
    """Cross-entropy of a cross-encoder's probability with the nearest one of the range, less the least it can be.

    The divergence of the two (Kullback and Leibler 1951): 0 inside the range, and of a label its cross-entropy but for
    a constant, so that gradients are those of `bce`.
    """

    def forward(
        self, inputs: list[list[str]], labels: Any, prompt: str | None = None, task: str | None = None
    ) -> torch.Tensor:
        """The mean over n pairs; `labels`, a list of tensors (2,), holds the ends of their ranges, 0 to 1."""
        features = self.model.preprocess(list(zip(*inputs, strict=True)), prompt=prompt, task=task)
        logits = self.model(batch_to_device(features, self.model.device))["scores"].view(-1).float()
        low, high = torch.stack(labels).float().unbind(1)
        target = torch.clamp(logits.sigmoid().detach(), low, high)
        least = -(torch.xlogy(target, target) + torch.xlogy(1 - target, 1 - target))
        cross = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return (cross - least).mean()


class RangeCoSENTLoss(CoSENTLoss):
    """CoSENT (Su 2022) over those pairs of pairs whose ranges say which of the two is the more similar."""

    def compute_loss_from_embeddings(self, embeddings: list[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
        """The loss of n pairs' vectors; `labels` (n, 2) holds the ends of their ranges."""
        similarity: Any = self.similarity_fct
        scores = similarity(embeddings[0], embeddings[1]).float() * self.scale
        low, high = labels.unbind(1)
        order = low.argsort()
        low, high, scores = low[order], high[order], scores[order]
        # of each pair, those whose range begins above the end of its own are to score higher
        above = torch.searchsorted(low.contiguous(), high.contiguous(), right=True)
        sums = torch.logcumsumexp(-scores.flip(0), dim=0).flip(0)
        sums = torch.cat((sums, scores.new_full((1,), -torch.inf)))
        return torch.logsumexp(torch.cat((scores.new_zeros(1), scores + sums[above])), dim=0)
