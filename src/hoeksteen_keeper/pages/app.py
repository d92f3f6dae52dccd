from litestar import Litestar
def pages(keeper): return Litestar([], openapi_config=None)
