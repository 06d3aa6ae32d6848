"""What an experiment is made of: the sections that a model on a data set has."""

from pydantic import Field

from kinema.experiment.data_sections import Augmentation, Clip
from kinema.experiment.model_sections import Deployment, Distillation, Evaluation, Network, Training
from kinema.experiment.section import Section


class Settings(Section):
    """What an experiment is made of. Defaults, a data set, an override and a variant each may set any part of it."""

    clip: Clip = Field(default_factory=Clip, description="Which frames one clip has.")
    augmentation: Augmentation = Field(default_factory=Augmentation, description="Random changes of training clips.")
    network: Network = Field(default_factory=Network, description="The network.")
    training: Training = Field(default_factory=Training, description="The training recipe.")
    distillation: Distillation = Field(default_factory=Distillation, description="Learning from a teacher.")
    evaluation: Evaluation = Field(default_factory=Evaluation, description="How a model is scored.")
    deployment: Deployment = Field(default_factory=Deployment, description="Export and its gates.")
