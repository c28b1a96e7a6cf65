// The page: what there is, put together.
import { account, authorize, call } from './api.js';
import { Alerts, toast } from './alerts.js';
import { Channels } from './channels.js';
import { Detail } from './detail.js';
import { element } from './format.js';
import { Notifications } from './notifications.js';
import { WatchList } from './watch.js';

const settings = await (await fetch('/dashboard.json')).json();
const channels = new Channels(settings.appKey, { authorize });
const badge = document.getElementById('connection');
const showState = state => {
  badge.textContent = state;
  badge.className = `badge ${state}`;
};
channels.on('state', showState);
channels.on('failed', (code, reason) => toast(`Not connected (${code})`, reason));
channels.on('refused', (name, reason) => toast(name, reason));

const detail = new Detail(channels);
const choose = symbol => {
  watch.choose(symbol);
  detail.open(symbol);
  document.querySelector('#alert-form [name=symbol]').value = symbol;
  history.replaceState(null, '', `?symbol=${encodeURIComponent(symbol)}`);
};
const watch = new WatchList(document.getElementById('watch'), { onChoose: choose });
const empty = document.getElementById('empty');
const take = ticks => {
  empty.hidden = true;
  watch.take(ticks);
};
channels.subscribe('market;1s', { snapshot: take, market: take, stale: ({ symbol }) => watch.stale(symbol) });
setTimeout(() => { empty.hidden = watch.rows.size > 0; }, 2000);

const feeds = new Map();
const showFeeds = () => {
  document.getElementById('feeds').replaceChildren(...[...feeds.values()].map(({ name, state, reason }) =>
    element('span', { textContent: `${name} ${state}`, className: state, title: reason ?? '' })));
};
const takeFeed = feed => {
  const name = feed.feed ?? feed.venue ?? feed.name;
  if (!name) return;
  feeds.set(name, { name, state: feed.state, reason: feed.reason });
  showFeeds();
};
channels.subscribe('status', { feed: takeFeed });
// Only the process that runs the feeds knows their states before the first change.
fetch('/v1/feeds').then(answer => (answer.ok ? answer.json() : [])).then(known => (known.feeds ?? known).forEach(takeFeed)).catch(() => {});

document.getElementById('find').oninput = event => watch.find(event.target.value);
document.getElementById('detail-close').onclick = () => {
  detail.close();
  watch.choose();
  document.title = 'Tickwire';
  history.replaceState(null, '', location.pathname);
};
const wanted = new URLSearchParams(location.search).get('symbol');
if (wanted) choose(wanted);

const alerts = new Alerts(channels);
const notifications = new Notifications(settings.vapidPublicKey);
const button = document.getElementById('account');
const dialog = document.getElementById('sign-in');

async function start() {
  let user;
  if (account.token) {
    try {
      user = (await call('GET', '/v1/me')).user;
    } catch (error) {
      if (error.status === 401 || error.status === 403) account.token = undefined;
      toast('Not signed in', error.message);
    }
  }
  button.textContent = user ? `Sign out ${user}` : 'Sign in';
  await alerts.start(user);
  await notifications.start(user);
}

button.onclick = async () => {
  if (!account.token) return dialog.showModal();
  account.token = undefined;
  await start();
};
document.getElementById('sign-in-cancel').onclick = () => dialog.close('cancel');
dialog.onclose = async () => {
  const field = document.getElementById('token');
  const token = field.value.trim();
  field.value = '';
  if (dialog.returnValue !== 'ok' || !token) return;
  account.token = token;
  await start();
};
await start();

// A notification's button leads here.
const snoozed = new URLSearchParams(location.search).get('snooze');
if (snoozed && account.token) {
  try {
    await call('POST', `/v1/alerts/${snoozed}/snooze`, { for: '1h' });
    toast(`Alert ${snoozed} is silent for an hour`, '');
    await alerts.start((await call('GET', '/v1/me')).user);
  } catch (error) {
    toast(`Alert ${snoozed}`, error.message);
  }
  history.replaceState(null, '', location.pathname);
}
