"""Systems behind an HTTP service: one job machine, one module a provider. Nothing is contacted that the user has not named.

`kling`, `dreamactor`, `fal` and `seedance` know their contracts: what a body holds, how it is signed, what a reply means (`outcomes`).
`machine` knows none of them: it submits once, polls, fetches and keeps, with `records` on disk before and after every step that costs,
`slots` for what may run at a time, `pace` for when to ask, `costs` for what was spent, `wire` for the bytes. `animator` is the Animator
over it, `inputs` and `uploads` bring pictures to the service, `lacking` tells before a run what it cannot be asked without.
"""
