"""Text that is burned into pictures: found by geometry, by what stands still, by reading; hidden without loss.

`boxes` and `brush` say what is painted, `painted`, `run_lengths`, `dct_blocks` and `lossless` how each coding is
changed. `geometry`, `still`, `reading` and `personal` find it; `finding` asks them in order of their cost.
"""
