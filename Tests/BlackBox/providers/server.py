"""Serves many mocked providers from one thread, each on its own port."""
import asyncio
import threading

from aiohttp import web


class ProviderServer:
    """Context manager; ports are given to the providers at entry."""

    def __init__(self, providers, free_port):
        self.providers = providers
        for provider in providers:
            provider.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._started.wait(10), "the mocked providers did not start"
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(15)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        self._stop = asyncio.Event()
        runners = []
        for provider in self.providers:
            application = web.Application()
            application.router.add_route("*", "/{tail:.*}", provider.handle)
            runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.5)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", provider.port).start()
            runners.append(runner)
        self._started.set()
        await self._stop.wait()
        for runner in runners:
            await runner.cleanup()
