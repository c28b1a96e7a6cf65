// Calls of Tickwire's HTTP API for the holder of a token.

const STORED = 'tickwire.token';

export const account = {
  get token() { return localStorage.getItem(STORED) ?? undefined; },
  set token(value) {
    if (value) localStorage.setItem(STORED, value);
    else localStorage.removeItem(STORED);
  },
};

export class Refused extends Error {
  constructor(status, answer) {
    super(answer?.error ?? answer?.description ?? `The server answered ${status}`);
    this.status = status;
    this.column = answer?.column;
  }
}

export async function call(method, path, body) {
  const headers = { authorization: `Bearer ${account.token}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  let value;
  try { value = text ? JSON.parse(text) : undefined; } catch { value = { error: text.trim() }; }
  if (!answer.ok) throw new Refused(answer.status, value);
  return value;
}

/// The signature that lets a connection join a private channel.
export async function authorize(channel, socketID) {
  if (!account.token) throw new Error('Sign in first');
  return call('POST', '/pusher/auth', { socket_id: socketID, channel_name: channel });
}
