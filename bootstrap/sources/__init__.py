"""What people point at -> clips and identities the factory can use.

list (`awbench.media.listing`) -> look at every file once (`inspection`, remembered in `catalog`) -> select windows and identities
(`selection`) -> `Listing`. `bootstrap.survey` takes these steps for the flags of `synthesize`.
"""
