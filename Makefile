VENV := .venv
setup:
	@true
