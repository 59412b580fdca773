"""What some containers need: headers of AVI and FLV, joined Matroska files, and a folder of frames as a movie."""
