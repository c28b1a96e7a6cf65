// The user's alerts: listed, added, snoozed, and shown when they fire.
import { call, account } from './api.js';
import { clock, element } from './format.js';

export class Alerts {
  constructor(channels) {
    this.channels = channels;
    this.list = document.getElementById('alerts');
    this.form = document.getElementById('alert-form');
    this.error = document.getElementById('alert-error');
    this.form.onsubmit = event => {
      event.preventDefault();
      this.add();
    };
    this.form.elements.condition.oninput = () => { this.error.textContent = ''; };
  }

  /// Shows what belongs to the token's user, or asks to sign in.
  async start(user) {
    this.leave?.();
    this.form.hidden = !user;
    document.getElementById('alerts-note').hidden = Boolean(user);
    this.list.replaceChildren();
    if (!user) return;
    this.leave = this.channels.subscribe(`private-alerts-${user}`, { alert: fired => this.fired(fired) });
    await this.reload();
  }

  async reload() {
    try {
      const { alerts } = await call('GET', '/v1/alerts');
      this.list.replaceChildren(...alerts.map(alert => this.row(alert)));
    } catch (error) {
      this.error.textContent = error.message;
    }
  }

  async add() {
    const { symbol, condition } = this.form.elements;
    try {
      await call('POST', '/v1/alerts', { symbol: symbol.value.trim().toUpperCase(), condition: condition.value });
      condition.value = '';
      this.error.textContent = '';
      await this.reload();
    } catch (error) {
      const pointer = error.column ? `${condition.value}\n${' '.repeat(error.column - 1)}^ ` : '';
      this.error.textContent = pointer + error.message;
    }
  }

  row(alert) {
    const act = (text, method, path, body) => {
      const button = element('button', { type: 'button', textContent: text });
      button.onclick = async () => {
        button.disabled = true;
        try { await call(method, `/v1/alerts/${alert.id}${path}`, body); } catch (error) { this.error.textContent = error.message; }
        await this.reload();
      };
      return button;
    };
    const isPaused = alert.state === 'paused' || alert.state === 'storm';
    return element('li', {},
      element('span', { className: 'what' }, element('b', { textContent: alert.symbol }), ` ${alert.condition}`),
      element('span', { className: 'note', textContent: alert.state ?? '' }),
      isPaused ? act('Resume', 'POST', '/resume') : act('Pause', 'POST', '/pause'),
      act('Snooze 1 h', 'POST', '/snooze', { for: '1h' }),
      act('Remove', 'DELETE', ''));
  }

  fired(event) {
    const fired = event.data ?? event;
    toast(fired.title ?? `${fired.symbol} ${fired.condition}`, `${fired.body ?? fired.price ?? ''} (${clock(fired.firedAt ?? Date.now())})`);
    if (!account.token) return;
    // Seen here, it need not come to the user's devices as well. If that cannot be told, it comes twice.
    if (fired.id && document.visibilityState === 'visible') call('POST', `/v1/alerts/events/${fired.id}/shown`).catch(() => {});
    this.reload();
  }
}

export function toast(title, text) {
  const note = element('div', { role: 'status' }, element('b', { textContent: title }), element('div', { textContent: text }));
  document.getElementById('toasts').append(note);
  setTimeout(() => note.remove(), 15000);
}
