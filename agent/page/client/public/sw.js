// Keeps the page's own files, so that a reload while the agent is down shows the page and never a browser error.
// Only files: what a person types is in no request that it sees (POST) and in no answer.
const cacheName = 'page'
const isFile = ({ pathname }) =>
  pathname === '/' || pathname.startsWith('/assets/') || pathname === '/icon.svg'

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches.open(cacheName).then(async (cache) => {
      await cache.addAll(['/', '/icon.svg'])
      const page = await (await cache.match('/')).text()
      await cache.addAll([...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path))
      await self.skipWaiting()
    }),
  )
})
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin || !isFile(url)) return
  event.respondWith(
    fetch(request)
      .then(async (response) => {
        if (response.ok) await (await caches.open(cacheName)).put(request.url, response.clone())
        return response
      })
      .catch(async (error) => {
        const kept = await caches.match(request.url)
        if (kept === undefined) throw error
        return kept
      }),
  )
})
