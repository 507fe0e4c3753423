"""Everything we compare with, by what it needs. A system is one file here and one line of `models.animators.registry`.

    weightless/  nothing but the request: floors, warps, and the door for answers made elsewhere
    local/       a pipeline of diffusers over a folder of weights, in this process
    external/    somebody's repository in a process and an environment of its own: one YAML each
    hosted/      an HTTP service

The module behind a name states what the system can do without loading it (`models.stated`).
"""
