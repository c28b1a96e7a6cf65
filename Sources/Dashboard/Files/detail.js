// One symbol: its price at every change, candles and trades.
import { Chart } from './chart.js';
import { clock, decimal, decimals, direction, element, percent } from './format.js';

const INTERVALS = ['1s', '1m', '5m', '15m', '1h', '1d'];
const TRADES = 60;

export class Detail {
  constructor(channels) {
    this.channels = channels;
    this.chart = new Chart(document.getElementById('chart'));
    this.interval = '1m';
    this.leave = [];
    for (const interval of INTERVALS) {
      const button = element('button', { type: 'button', textContent: interval });
      button.setAttribute('aria-pressed', interval === this.interval);
      button.onclick = () => {
        this.interval = interval;
        for (const other of document.querySelectorAll('#intervals button')) other.setAttribute('aria-pressed', other === button);
        this.openChart();
      };
      document.getElementById('intervals').append(button);
    }
  }

  open(symbol) {
    this.close();
    this.symbol = symbol;
    this.decimals = 0;
    document.getElementById('detail').hidden = false;
    document.getElementById('detail-symbol').textContent = symbol;
    document.getElementById('trades').replaceChildren();
    this.note();
    const state = {};
    const show = changes => { Object.assign(state, changes); this.showTick(state); };
    this.leave.push(
      this.channels.subscribe(`ticker-${symbol};250ms;delta`, {
        snapshot: show, tick: show,
        stale: ({ reason }) => this.note(`Stale: ${reason === 'disconnected' ? 'the feed is disconnected' : 'nothing comes any more'}.`),
        gap: gap => this.note(gap.state === 'open' ? `A gap: ${gap.missing ?? 'some'} ticks are missing.` : `A gap was ${gap.state}.`),
      }),
      this.channels.subscribe(`trades-${symbol}`, { trade: trade => this.showTrade(trade) }),
    );
    this.openChart();
  }

  close() {
    for (const leave of this.leave) leave();
    this.leave = [];
    this.leaveChart?.();
    this.leaveChart = undefined;
    this.symbol = undefined;
    document.getElementById('detail').hidden = true;
  }

  async openChart() {
    this.leaveChart?.();
    const { symbol, interval } = this;
    this.chart.show([], this.decimals);
    let candles = [];
    try {
      const answer = await fetch(`/v1/candles/${encodeURIComponent(symbol)}?interval=${interval}&limit=120`);
      if (answer.ok) ({ candles } = await answer.json());
    } catch { /* The chart then begins with what comes now. */ }
    if (this.symbol !== symbol || this.interval !== interval) return;
    this.chart.show(candles, this.decimals);
    this.leaveChart = this.channels.subscribe(`candles-${symbol};${interval}`, { candle: candle => this.chart.take(candle) });
  }

  showTick(tick) {
    this.note();
    this.decimals = Math.max(this.decimals, decimals(tick.price));
    this.chart.decimals = this.decimals;
    document.getElementById('detail-price').textContent = decimal(tick.price, this.decimals);
    const change = document.getElementById('detail-change');
    change.textContent = percent(tick.percentChange);
    change.className = direction(tick.percentChange);
    document.title = `${decimal(tick.price, this.decimals)} ${tick.symbol}`;
  }

  showTrade(trade) {
    const list = document.getElementById('trades');
    list.prepend(element('li', {},
      element('span', { textContent: clock(trade.eventTime) }),
      element('span', { textContent: decimal(trade.price, this.decimals), className: trade.side === 'sell' ? 'down' : 'up' }),
      element('span', { textContent: decimal(trade.size) })));
    while (list.children.length > TRADES) list.lastChild.remove();
  }

  note(text) {
    const note = document.getElementById('detail-note');
    note.hidden = !text;
    note.textContent = text ?? '';
  }
}
