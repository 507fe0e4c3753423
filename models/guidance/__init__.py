"""Target-oriented text guidance: what moves how in the driver, who the reference shows, and one prompt in which that target does it.

Source: DreamActor-M2, section on text guidance, which names a multimodal model and three texts but publishes no prompts; ours are in
`prompts`. `guide` has the types, `template` needs no model, `mllm` asks one, `catalog` has the names of the command line. Who else must
know: the text goes into `AnimationRequest.prompt` when pairs are made and into a pair's KEY.json, from where training reads it.
"""
