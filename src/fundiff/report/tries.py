"""For each section of the report one experiment to try."""

from __future__ import annotations

from typing import NamedTuple


class Try(NamedTuple):
    """A stage, an override for `dvc exp run -S`, and what it changes."""

    stage: str
    override: str
    why: str

    @property
    def command(self) -> str:
        """The line for the terminal."""
        quoted = f"'{self.override}'" if set(self.override) & set(" []") else self.override
        return f"dvc exp run -S {quoted}"


TRIES = {
    one.stage: one
    for one in (
        Try("setup", "setup.prompts=[a fox, a castle, a rocket ship]", "Other prompts; any words will do."),
        Try("forward_process", "forward_process.timesteps=[100, 400, 900]", "Less noise, and more."),
        Try(
            "gaussian_denoising",
            "gaussian_denoising.timesteps=[100, 400, 900]",
            "The blur at other noise levels.",
        ),
        Try("one_step_denoising", "one_step_denoising.image=chelsea", "A photograph of a cat."),
        Try("iterative_denoising", "iterative_denoising.i_start=20", "Begin later, with less noise."),
        Try("sampling", "base.seed=7", "Other noise, other pictures."),
        Try("guidance", "guidance.guidance_scale=7", "The course’s own scale."),
        Try("sdedit", "sdedit.images=[chelsea, coffee]", "Photographs instead of drawings."),
        Try("edit_images", "edit_images.images=[rocket, astronaut]", "Other pictures to begin with."),
        Try("inpainting", "inpainting.resample.times=1", "The plain rule alone, without resampling."),
        Try("text_sdedit", "text_sdedit.prompt=a castle", "Other words for the same pictures."),
        Try("visual_anagrams", "visual_anagrams.samples=24", "More for the critic to choose from."),
        Try("hybrid_images", "hybrid_images.sigma=2", "The course’s own filter between far and near."),
        Try("multi_view_anagrams", "multi_view_anagrams.samples=12", "More for the critic to choose from."),
        Try("factorized_images", "factorized_images.guidance_scale=7", "Stronger guidance."),
        Try("masked_sdedit", "masked_sdedit.levels=[1, 5, 10]", "More noise inside the mask, and less."),
        Try("samplers", "samplers.calls=[3, 8, 20]", "Even fewer calls."),
        Try("colourisation", "colourisation.guidance_scale=8", "Stronger colours?"),
        Try("flow_euler", "flow_euler.step_size=0.1", "Five steps instead of twenty-five."),
        Try("flow_guidance", "flow_guidance.w=7", "The course’s own w."),
        Try("train_denoiser", "train_denoiser.sigma=0.3", "Train on less noise; then see the next section."),
        Try("ood_sigma", "ood_sigma.sigmas=[0.3, 0.5, 0.7]", "Other strengths of noise."),
        Try("train_pure_noise", "train_pure_noise.epochs=10", "Train longer: does anything change?"),
        Try("train_time_unet", "train_time_unet.objective=v", "Ask the network for v instead of the noise."),
        Try("sample_class_unet", "sample_class_unet.guidance_scale=2", "Less guidance: more varied digits."),
        Try("judge", "judge.epochs=4", "A judge with less training."),
        Try("compare_objectives", "compare_objectives.calls=[1, 4, 20]", "One call, and many."),
        Try("digit_samplers", "digit_samplers.calls=[3, 8, 50]", "Other numbers of calls."),
        Try("digit_guidance", "digit_guidance.digit=8", "Watch another digit."),
        Try("autoguidance", "autoguidance.guidance_interval=[0, 1]", "Guidance down to the last step."),
        Try("digit_walks", "digit_walks.digit=5", "Follow another digit."),
        Try("flow_forward", "flow_forward.times=[0.1, 0.4, 0.9]", "More noise, and less."),
        Try("flow_blur", "flow_blur.sigmas=[2, 6, 12, 24]", "Other blurs, including a wider one."),
        Try("flow_one_step", "flow_one_step.image=chelsea", "A photograph of a cat."),
        Try("flow_velocity", "flow_velocity.times=[0.05, 0.5, 0.95]", "Times near the two ends of the line."),
        Try("flow_sampling", "flow_sampling.prompt=a rocket ship", "A prompt that names a thing."),
        Try("flow_editing", "flow_editing.w=7", "The course’s own w."),
        Try("flow_anagrams", "flow_anagrams.samples=12", "More for the critic to choose from."),
        Try("flow_hybrids", "flow_hybrids.smoothing=1", "The course’s own filter between far and near."),
        Try("flow_inpainting", "flow_inpainting.w=7", "The course’s own w."),
        Try("train_flow_constant", "train_flow_constant.ema_decay=0", "Without the average of the weights."),
    )
}
