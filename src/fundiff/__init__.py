"""FunDiff: Fun With Diffusion Models as pure functions; the stages/ folder binds them to files and params."""
