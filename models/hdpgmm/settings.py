"""How large the mixture is, and what is believed of it before any song was heard."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=2)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class MixtureSettings(BaseModel):
    """Sizes and priors of the hierarchical Dirichlet process Gaussian mixture (paper 000, equations 1 to 3).

    Attributes:
        components: K, the Gaussians that all songs share, at most.
        sticks: T, the components that one song uses, at most.
        strength: λ0, observations that the prior mean of a component is worth.
        extra_degrees: ν0 − D: degrees of freedom of the Wishart prior beyond the D features; above −1.
        precision_scale: By which W0 is scaled, which is else the identity in the whitened space. The prior mean of
            a component's precision is ν0 · W0: with 1 components are narrow to begin with, as in the reference
            implementation; 1 / ν0 makes them as wide as the whole of the data.
        gamma_shape: Of the Gamma prior on γ, the corpus's concentration.
        gamma_rate: Likewise.
        alpha_shape: Of the Gamma prior on α0, a song's concentration.
        alpha_rate: Likewise.
        share_alpha: Whether all songs have one α0; else each has its own, as in the paper's experiments.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    components: Count = 256
    sticks: Count = 32
    strength: Positive = 2.0
    extra_degrees: Annotated[float, Field(gt=-1, allow_inf_nan=False)] = 2.0
    precision_scale: Positive = 1.0
    gamma_shape: Positive = 1.0
    gamma_rate: Positive = 1.0
    alpha_shape: Positive = 1.0
    alpha_rate: Positive = 1.0
    share_alpha: bool = False
