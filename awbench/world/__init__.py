"""The procedural world: identities x motion programmes x scenes with ground truth (poses, masks, flow, cross-identity truth)."""
