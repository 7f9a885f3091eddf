"""The architectures of the course, from scratch in PyTorch: batch first, mask True = may attend.

attention, positions, dropout   the parts
blocks                          attention, feed-forward, residual and norm together
transformer                     encoder-decoder, for translation
encoder, decoder, vision        BERT-style, GPT-style, and for images
classifier                      a text's class, on top of an encoder
recurrent                       the ancestors: recurrent networks with attention
decoding, pretrained            generation, and real weights
checks                          what they ask of their arguments
"""
