"""Files from a council's systems become typed rows and problems here; nothing is decided and nothing is stored."""
