// Web Push on this device: permission, the worker, the subscription, and telling the server of it.
import { call, account } from './api.js';

function bytes(base64url) {
  const text = atob(base64url.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(text, character => character.charCodeAt(0));
}

function isSameKey(subscription, key) {
  const known = subscription.options.applicationServerKey;
  if (!known) return false;
  const left = new Uint8Array(known);
  return left.length === key.length && left.every((byte, index) => byte === key[index]);
}

export class Notifications {
  constructor(vapidPublicKey) {
    this.key = vapidPublicKey;
    this.button = document.getElementById('notify');
    this.state = document.getElementById('notify-state');
    this.button.onclick = () => this.toggle();
  }

  async start(user) {
    document.getElementById('notifications').hidden = !user;
    if (!user) return;
    const problem = this.problem();
    this.button.hidden = Boolean(problem);
    this.state.textContent = problem ?? '';
    if (problem) return;
    this.registration = await navigator.serviceWorker.register('service-worker.js');
    const subscription = await this.registration.pushManager.getSubscription();
    // A subscription made for another key is of no use any more; every start tells the server that this one lives.
    if (subscription && isSameKey(subscription, bytes(this.key))) await this.tell(subscription);
    else if (subscription) await subscription.unsubscribe();
    this.show(await this.registration.pushManager.getSubscription());
  }

  problem() {
    if (!this.key) return 'Web Push is not set up on this server: run "tickwire push vapid".';
    if (!isSecureContext) return 'Browsers allow notifications only over HTTPS or on localhost.';
    if (!('serviceWorker' in navigator) || !('PushManager' in window)) return 'This browser has no Web Push.';
    return undefined;
  }

  async toggle() {
    this.button.disabled = true;
    try {
      const known = await this.registration.pushManager.getSubscription();
      if (known) {
        await this.forget(known);
        await known.unsubscribe();
      } else if ((await Notification.requestPermission()) !== 'granted') {
        throw new Error('The browser does not allow notifications for this page.');
      } else {
        await this.tell(await this.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(this.key) }));
      }
      this.show(await this.registration.pushManager.getSubscription());
    } catch (error) {
      this.state.textContent = error.message;
    }
    this.button.disabled = false;
  }

  show(subscription) {
    this.button.textContent = subscription ? 'No notifications on this device' : 'Notify me on this device';
    this.state.textContent = subscription ? 'Alerts reach this browser even when the page is closed.' : '';
  }

  async tell(subscription) {
    const device = await call('POST', '/v1/devices', { webPush: subscription.toJSON(), locale: navigator.language });
    localStorage.setItem('tickwire.device', device.id);
  }

  async forget() {
    const id = localStorage.getItem('tickwire.device');
    localStorage.removeItem('tickwire.device');
    if (id && account.token) await call('DELETE', `/v1/devices/${id}`);
  }
}
