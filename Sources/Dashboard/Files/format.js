// Numbers and times as text. Prices come as exact strings and are never turned into binary fractions for display.

/// Groups the digits of an exact decimal: "64250.1" becomes "64,250.10" with two decimals.
export function decimal(text, decimals = 0) {
  if (text === undefined || text === null) return '';
  const [, sign, whole, , fraction = ''] = /^(-?)(\d+)(\.(\d+))?$/.exec(text) ?? [null, '', text];
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  const padded = fraction.padEnd(decimals, '0');
  return (sign ? '−' : '') + grouped + (padded ? '.' + padded : '');
}

export function decimals(text) {
  return text?.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
}

/// A volume for reading: three digits are enough.
export function volume(text) {
  const value = Number(text);
  if (!text || !Number.isFinite(value)) return '';
  return new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 }).format(value);
}

export function percent(text) {
  if (text === undefined) return '';
  const rounded = Math.abs(Number(text)).toFixed(2);
  return (Number(rounded) === 0 ? '' : Number(text) > 0 ? '+' : '−') + rounded + ' %';
}

export function direction(text) {
  const value = Number(text);
  return value > 0 ? 'up' : value < 0 ? 'down' : '';
}

export function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

export function clock(iso) {
  return new Date(iso).toLocaleTimeString([], { hour12: false });
}

export function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}
