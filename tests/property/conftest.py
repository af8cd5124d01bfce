from hypothesis import settings

# A deadline measures the machine, which is shared, and not the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
