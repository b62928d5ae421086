/** What a web page of somebody else can do to the kiosk's port, from a real browser on the same machine: nothing. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agentStatus } from '../lobby.ts'
import { openBrowser, openKiosk, openPage } from './kiosk.ts'

let browser: Awaited<ReturnType<typeof openBrowser>>
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

test('reads, posts, forms, frames and sockets of another origin come to nothing', async () => {
  await using kiosk = await openKiosk()
  const evil = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>evil</title><iframe></iframe>')
  }).listen(0, '127.0.0.1')
  try {
    // The same browser, and so the same cookies: ports do not keep those apart.
    const page = await openPage(browser, kiosk)
    await page.goto(`http://127.0.0.1:${String((evil.address() as AddressInfo).port)}/`)
    const url = kiosk.url
    const tried = await page.evaluate(async (kioskUrl) => {
      const attempt = (path: string, init: RequestInit): Promise<string> =>
        fetch(kioskUrl + path, { credentials: 'include', ...init }).then(
          (response) => `${response.type} ${String(response.status)}`,
          () => 'refused',
        )
      const json = { 'content-type': 'application/json' }
      const socket = (path: string): Promise<string> =>
        new Promise((resolve) => {
          const opened = new WebSocket(kioskUrl.replace('http', 'ws') + path)
          opened.onopen = () => {
            resolve('open')
          }
          opened.onerror = () => {
            resolve('refused')
          }
        })
      return {
        read: await attempt('state', {}),
        post: await attempt('enrolment/cancel', { method: 'POST', headers: json, body: '{}' }),
        simple: await attempt('enrolment/cancel', { method: 'POST', mode: 'no-cors', body: '{}' }),
        socket: await socket('events'),
        stream: await new Promise<string>((resolve) => {
          const source = new EventSource(`${kioskUrl}events`, { withCredentials: true })
          source.onmessage = ({ data }) => {
            resolve(String(data))
          }
          source.onerror = () => {
            source.close()
            resolve('refused')
          }
        }),
      }
    }, url)
    expect(tried).toEqual({
      read: 'refused',
      post: 'refused',
      simple: 'refused',
      socket: 'refused',
      stream: 'refused',
    })

    await page.evaluate((src) => {
      const frame = document.querySelector('iframe')
      if (frame !== null) frame.src = src
    }, url)
    await page.waitForTimeout(300)
    const framed = page.frames().find((frame) => frame !== page.mainFrame())
    expect(await framed?.evaluate(() => document.body.innerText).catch(() => 'refused')).not.toContain(
      'Registra',
    )

    const answer = page.waitForResponse((response) => response.url().startsWith(url))
    await page.evaluate((action) => {
      const form = Object.assign(document.createElement('form'), { action, method: 'POST' })
      document.body.append(form)
      form.submit()
    }, `${url}enrolment`)
    expect((await answer).status()).toBe(403)
    expect((await agentStatus(kiosk.data)).waitingEnrolments).toBe(0)
  } finally {
    evil.close()
  }
})

test('nothing is fetched from anywhere else, and nothing breaks the page’s own policy', async () => {
  await using kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  const foreign: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(kiosk.url)) foreign.push(request.url())
  })
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.reload()
  await page.locator('.start .primary').tap()
  await page.locator('#codigoClienteVLT').waitFor()
  expect({ foreign, complaints }).toEqual({ foreign: [], complaints: [] })
})
