"""`puppet`: the reference as a paper puppet, moved by the driver's skeleton.

    animator     the straight line: figure and driver in, clip out; what it can be asked for
    figure       a reference ready to move
    annotations  drawings whose joints somebody wrote down, and which of them a request's reference is
    placement    where a picture lies in a request's pixels
    silhouette   which pixels are the figure where nobody drew a mask, and the background without it
    rig          joints -> bones; bones of the driver -> turns of the figure's bones
    mesh         triangles over the figure; each belongs to a bone
    arap         as-rigid-as-possible: where the triangles' corners go when the bones have moved
    paint        triangles over the background, far limbs first

Sources: Igarashi, Moscovich, Hughes, "As-Rigid-As-Possible Shape Manipulation" (2005); Sorkine and Alexa, "As-Rigid-As-Possible Surface
Modeling" (2007); Smith et al., "A Method for Animating Children's Drawings of the Human Figure" (2023).
"""
