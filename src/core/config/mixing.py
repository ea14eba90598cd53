"""Options of blending the samples of a batch (MixUp, CutMix): the same for every task that can."""

from __future__ import annotations

from src.core.config.conditions import unless
from src.core.config.fields import Section, option
from src.core.dataset.findings import Finding

ALONE = unless("batch_size", 1, because="a batch of one has nothing to mix with")


class MixingConfig(Section):
    """Samples that are made of two, with the truths of both; a task says in words of its own what a piece is."""

    mixup: float = option(
        0.0, "MixUp", "Share of the batches in which each sample is blended with another one of the batch, and the loss is that of "
        "both truths; 0 turns it off.", ge=0, le=1, advanced=True, applies=[ALONE],
    )  # fmt: skip
    mixup_alpha: float = option(
        0.2, "MixUp strength", "α of the distribution Beta(α, α) of the blend: small values leave most samples nearly as they "
        "are, 1 makes every blend alike probable.", gt=0, le=10, advanced=True,
        applies=[unless("mixup", 0, because="MixUp is off")],
    )  # fmt: skip
    cutmix: float = option(
        0.0, "CutMix", "Share of the batches in which a piece of each sample comes from another one of the batch; 0 turns it "
        "off.", ge=0, le=1, advanced=True, applies=[ALONE],
    )  # fmt: skip
    cutmix_alpha: float = option(
        1.0, "CutMix strength", "α of the distribution Beta(α, α) of the piece's size; 1 makes every size alike probable.",
        gt=0, le=10, advanced=True, applies=[unless("cutmix", 0, because="CutMix is off")],
    )  # fmt: skip

    @property
    def mixes(self) -> bool:
        """Whether any batch is mixed."""
        return self.mixup + self.cutmix > 0


def check_mixing(options: MixingConfig, section: str = "training.regularisation") -> list[Finding]:
    """An error where more batches are to be mixed than there are; ``section`` is where the options stand."""
    if options.mixup + options.cutmix <= 1:
        return []
    return [
        Finding("error", "mixing-share", f"MixUp is to take {options.mixup:.0%} of the batches and CutMix {options.cutmix:.0%}: more "
                "than there are.", "Lower one of them, so that they add up to 1 at most.",
                (f"{section}.mixup", f"{section}.cutmix"))
    ]  # fmt: skip
