// A small client of the Pusher Channels protocol, version 7: what this page needs of it, with nothing to download.

const PAUSES = [250, 500, 1000, 2000, 4000, 8000, 16000, 30000];

export class Channels {
  constructor(key, { authorize } = {}) {
    this.key = key;
    this.authorize = authorize;
    this.channels = new Map();
    this.listeners = new Map();
    this.state = 'connecting';
    this.failures = 0;
    this.connect();
    addEventListener('online', () => this.socket?.readyState === WebSocket.OPEN || this.reconnect(0));
  }

  on(event, listener) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event).add(listener);
  }

  emit(event, ...values) {
    for (const listener of this.listeners.get(event) ?? []) listener(...values);
  }

  setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.emit('state', state);
  }

  /// Joins a channel; `handlers` has one function an event. Returns a function that leaves it.
  subscribe(name, handlers) {
    let channel = this.channels.get(name);
    if (!channel) {
      channel = new Set();
      this.channels.set(name, channel);
      if (this.socketID) this.join(name);
    }
    channel.add(handlers);
    return () => {
      channel.delete(handlers);
      if (channel.size > 0 || this.channels.get(name) !== channel) return;
      this.channels.delete(name);
      if (this.socketID) this.send('pusher:unsubscribe', { channel: name });
    };
  }

  connect() {
    clearTimeout(this.retry);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/app/${this.key}?protocol=7&client=dashboard&version=1`);
    this.socket = socket;
    socket.onmessage = message => this.received(JSON.parse(message.data));
    socket.onclose = event => {
      if (this.socket !== socket) return;
      this.socketID = undefined;
      clearTimeout(this.silence);
      // 40xx will not get better by itself, 41xx asks for a pause, everything else is tried again at once.
      if (event.code >= 4000 && event.code < 4100) {
        this.setState('failed');
        this.emit('failed', event.code, event.reason);
        return;
      }
      this.setState(navigator.onLine ? 'connecting' : 'unavailable');
      const pause = PAUSES[Math.min(this.failures++, PAUSES.length - 1)];
      this.reconnect(event.code >= 4200 && this.failures === 1 ? 0 : pause * (0.5 + Math.random() / 2));
    };
  }

  reconnect(pause) {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), pause);
  }

  send(event, data) {
    this.socket.send(JSON.stringify({ event, data }));
  }

  async join(name) {
    const data = { channel: name };
    if (/^(private|presence)-/.test(name)) {
      const socketID = this.socketID;
      try {
        Object.assign(data, await this.authorize(name, socketID));
      } catch (error) {
        this.emit('refused', name, error.message);
        return;
      }
      if (this.socketID !== socketID || !this.channels.has(name)) return;
    }
    this.send('pusher:subscribe', data);
  }

  received({ event, channel, data }) {
    this.heard();
    if (typeof data === 'string') {
      try { data = JSON.parse(data); } catch { /* The data of an application's own event may be any text. */ }
    }
    switch (event) {
      case 'pusher:connection_established':
        this.socketID = data.socket_id;
        this.patience = Math.min(data.activity_timeout ?? 120, 60) * 1000;
        this.failures = 0;
        this.heard();
        this.setState('connected');
        for (const name of this.channels.keys()) this.join(name);
        break;
      case 'pusher:ping': this.send('pusher:pong', {}); break;
      case 'pusher:error': this.emit('error', data); break;
      default:
        for (const handlers of this.channels.get(channel) ?? []) handlers[event]?.(data);
    }
  }

  /// After a silence the server is asked for a sign of life, and given up when none comes.
  heard() {
    clearTimeout(this.silence);
    if (!this.patience) return;
    this.silence = setTimeout(() => {
      if (this.socket.readyState === WebSocket.OPEN) this.send('pusher:ping', {});
      this.silence = setTimeout(() => this.socket.close(), 10000);
    }, this.patience);
  }
}
