"""`kinema demo`: what a camera or a video shows, while it is shown, at one pass of the encoder a frame."""
