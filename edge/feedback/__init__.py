"""What devices send back: taken in, judged, and asked for.

`intake` files records where `calibrate` reads them, `status` says what they are worth, and
`suggest` which networks to measure next.
"""
