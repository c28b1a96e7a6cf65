// Candlesticks on a canvas.
import { clock, decimal } from './format.js';

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.candles = [];
    this.decimals = 0;
    canvas.onpointermove = event => { this.pointer = event.offsetX / canvas.clientWidth; this.draw(); };
    canvas.onpointerleave = () => { this.pointer = undefined; this.draw(); };
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(candles, decimals) {
    this.candles = candles;
    this.decimals = decimals;
    this.draw();
  }

  /// Takes a candle from the channel: it replaces the one of its start, or is the next.
  take(candle) {
    const index = this.candles.findLastIndex(other => other.start <= candle.start);
    if (index >= 0 && this.candles[index].start === candle.start) this.candles[index] = candle;
    else this.candles.splice(index + 1, 0, candle);
    if (this.candles.length > 180) this.candles.shift();
    this.draw();
  }

  draw() {
    const ratio = devicePixelRatio || 1;
    const width = this.canvas.clientWidth || 640, height = Math.round(width * 0.5);
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const context = this.canvas.getContext('2d');
    context.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const color = name => style.getPropertyValue(name);
    context.font = '11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    const candles = this.candles;
    if (candles.length === 0) {
      context.fillStyle = color('--faint');
      context.fillText('No candles recorded yet', 8, height / 2);
      return;
    }
    const low = Math.min(...candles.map(candle => Number(candle.low)));
    const high = Math.max(...candles.map(candle => Number(candle.high)));
    const span = high - low || Math.abs(high) / 1000 || 1;
    const right = 70, bottom = 18, top = 8;
    const y = price => top + (high - price) / span * (height - top - bottom);
    context.strokeStyle = color('--line');
    context.fillStyle = color('--faint');
    for (let step = 0; step <= 4; step++) {
      const price = high - span * step / 4;
      context.beginPath();
      context.moveTo(0, y(price));
      context.lineTo(width - right, y(price));
      context.stroke();
      context.fillText(decimal(price.toFixed(Math.min(this.decimals, 8)), 0), width - right + 6, y(price));
    }
    const slot = (width - right) / Math.max(candles.length, 30);
    candles.forEach((candle, index) => {
      const x = slot * (index + 0.5), open = Number(candle.open), close = Number(candle.close);
      context.strokeStyle = context.fillStyle = color(close >= open ? '--up' : '--down');
      context.globalAlpha = candle.hasGap ? 0.4 : 1;
      context.beginPath();
      context.moveTo(x, y(Number(candle.high)));
      context.lineTo(x, y(Number(candle.low)));
      context.stroke();
      const body = Math.max(1, slot * 0.65);
      context.fillRect(x - body / 2, y(Math.max(open, close)), body, Math.max(1, Math.abs(y(open) - y(close))));
    });
    context.globalAlpha = 1;
    context.fillStyle = color('--faint');
    const pointed = this.pointer === undefined ? undefined : candles[Math.floor(this.pointer * width / slot)];
    if (pointed) {
      const text = `${new Date(pointed.start).toLocaleString([], { hour12: false })}  O ${pointed.open}  H ${pointed.high}  L ${pointed.low}  C ${pointed.close}`;
      context.fillText(text, 4, height - 8);
    } else {
      context.fillText(clock(candles[0].start), 4, height - 8);
      const last = clock(candles.at(-1).start);
      context.fillText(last, Math.max(80, slot * candles.length - context.measureText(last).width), height - 8);
    }
  }
}
