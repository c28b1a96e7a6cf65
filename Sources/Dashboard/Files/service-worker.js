// Shows what comes over Web Push, also while no page is open, and opens the page on a click.

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));

/// A message's notification: Tickwire's own form, the declarative one, or whatever text it is.
function notification(data) {
  let message;
  try { message = data?.json(); } catch { return { title: 'Tickwire', options: { body: data?.text() ?? '' } }; }
  const { title = 'Tickwire', navigate, require_interaction, data: own, ...options } = message?.notification ?? message ?? {};
  // Where each button leads, because a click tells the button's name only.
  const links = Object.fromEntries((options.actions ?? []).map(action => [action.action, action.navigate]));
  return {
    title,
    options: {
      icon: 'icon.svg', badge: 'icon.svg', requireInteraction: require_interaction, ...options,
      data: { link: navigate, ...message?.data, ...own, links },
    },
  };
}

self.addEventListener('push', event => {
  const { title, options } = notification(event.data);
  // Something must be shown for every message, or browsers take the permission away.
  event.waitUntil(self.registration.showNotification(title, options));
});

self.addEventListener('notificationclick', event => {
  event.notification.close();
  const { link: page, links } = event.notification.data ?? {};
  const link = new URL(links?.[event.action] ?? page ?? './', self.registration.scope);
  // A link of another origin is opened as it is; of this one, an open page is used.
  event.waitUntil((async () => {
    const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    const open = pages.find(candidate => new URL(candidate.url).origin === link.origin);
    if (!open || link.origin !== self.location.origin) return self.clients.openWindow(link.href);
    await open.focus();
    return open.navigate(link.href);
  })());
});

// The push service gave another address: pages tell the server of it when they are opened next.
self.addEventListener('pushsubscriptionchange', event => {
  const options = event.oldSubscription?.options;
  if (options) event.waitUntil(self.registration.pushManager.subscribe(options));
});
