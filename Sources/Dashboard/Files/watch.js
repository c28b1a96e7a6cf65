// The watch list: one row a symbol, fed by one frame a second.
import { age, decimal, decimals, direction, element, percent, volume } from './format.js';

const POINTS = 120;

export class WatchList {
  constructor(body, { onChoose }) {
    this.body = body;
    this.onChoose = onChoose;
    this.rows = new Map();
    this.filter = '';
    this.sorting = { key: 'symbol', sign: 1 };
    setInterval(() => this.showAges(), 1000);
    for (const head of document.querySelectorAll('th[data-sort]')) {
      head.tabIndex = 0;
      head.onclick = () => this.sortBy(head);
      head.onkeydown = event => { if (event.key === 'Enter') this.sortBy(head); };
    }
  }

  take(ticks) {
    for (const tick of ticks) this.show(tick);
    this.arrange();
  }

  show(tick) {
    let row = this.rows.get(tick.symbol);
    if (!row) {
      row = this.makeRow(tick.symbol);
      this.rows.set(tick.symbol, row);
      this.isNew = true;
    }
    const before = row.tick?.price;
    row.tick = tick;
    row.decimals = Math.max(row.decimals, decimals(tick.price));
    row.node.classList.remove('stale');
    const { cells } = row;
    cells.price.textContent = decimal(tick.price, row.decimals);
    cells.change.textContent = percent(tick.percentChange);
    cells.change.className = `number ${direction(tick.percentChange)}`;
    cells.change.title = `${tick.change ?? ''} since ${tick.reference === '24h' ? '24 hours ago' : tick.reference ?? ''}`;
    cells.bid.textContent = decimal(tick.bid, row.decimals);
    cells.ask.textContent = decimal(tick.ask, row.decimals);
    cells.low.textContent = decimal(tick.low, row.decimals);
    cells.high.textContent = decimal(tick.high, row.decimals);
    cells.volume.textContent = volume(tick.volume);
    if (tick.price === undefined) return;
    const price = Number(tick.price);
    if (before !== undefined && before !== tick.price) {
      const way = price > Number(before) ? 'up' : 'down';
      cells.price.classList.remove('flash-up', 'flash-down');
      void cells.price.offsetWidth;
      cells.price.classList.add(`flash-${way}`);
    }
    row.points.push(price);
    if (row.points.length > POINTS) row.points.shift();
    this.drawSpark(row);
  }

  stale(symbol) { this.rows.get(symbol)?.node.classList.add('stale'); }

  choose(symbol) {
    for (const [name, row] of this.rows) row.node.classList.toggle('chosen', name === symbol);
  }

  find(text) {
    this.filter = text.trim().toUpperCase();
    for (const [name, row] of this.rows) row.node.hidden = !name.includes(this.filter);
  }

  makeRow(symbol) {
    const number = () => element('td', { className: 'number wide' });
    const spark = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    spark.setAttribute('class', 'spark');
    spark.setAttribute('preserveAspectRatio', 'none');
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
    spark.append(line);
    const cells = {
      symbol: element('td', {}, element('b', { textContent: symbol })), price: element('td', { className: 'number' }),
      change: element('td', { className: 'number' }), spark: element('td', { className: 'wide' }, spark), bid: number(),
      ask: number(), low: number(), high: number(), volume: number(), age: element('td', { className: 'number' }),
    };
    const node = element('tr', { tabIndex: 0 }, ...Object.values(cells));
    node.dataset.symbol = symbol;
    node.onclick = () => this.onChoose(symbol);
    node.onkeydown = event => { if (event.key === 'Enter') this.onChoose(symbol); };
    node.hidden = !symbol.includes(this.filter);
    return { node, cells, line, spark, points: [], decimals: 0 };
  }

  drawSpark({ points, line, spark }) {
    const low = Math.min(...points), high = Math.max(...points), span = high - low || 1;
    spark.setAttribute('viewBox', `0 -1 ${Math.max(points.length - 1, 1)} 22`);
    line.setAttribute('points', points.map((price, index) => `${index},${20 - (price - low) / span * 20}`).join(' '));
    spark.style.color = points.at(-1) >= points[0] ? 'var(--up)' : 'var(--down)';
  }

  showAges() {
    const now = Date.now();
    for (const { tick, cells } of this.rows.values()) {
      if (tick) cells.age.textContent = age(now - new Date(tick.receivedTime));
    }
  }

  sortBy(head) {
    const key = head.dataset.sort;
    this.sorting = { key, sign: this.sorting.key === key ? -this.sorting.sign : key === 'symbol' ? 1 : -1 };
    for (const other of document.querySelectorAll('th[data-sort]')) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', this.sorting.sign > 0 ? 'ascending' : 'descending');
    this.isNew = true;
    this.arrange();
  }

  /// Rows keep their places while prices move: only a new symbol or a click on a heading sorts.
  arrange() {
    if (!this.isNew) return;
    this.isNew = false;
    const { key, sign } = this.sorting;
    const value = row => (key === 'symbol' ? row.node.dataset.symbol : Number(row.tick?.[key] ?? -Infinity));
    const sorted = [...this.rows.values()].sort((a, b) => (value(a) < value(b) ? -sign : value(a) > value(b) ? sign : 0));
    this.body.append(...sorted.map(row => row.node));
  }
}
