// Debian's Chromium: a page logs in by certificate over WSS, once through Playwright's TLS, otherwise through the browser's own.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { type BrowserProfile, chromiumPrograms, launchOptions, openProfile } from '../support/chromium.ts'
import { defaultToml, Gateway } from '../support/gateway.ts'
import { requireProgram } from '../support/services.ts'
import { WireClient } from '../support/wire-client.ts'
import { asset, isAsset, PageServer } from './page-server.ts'

const patience = 15_000

describe('a page in Chromium', { skip: requireProgram(...chromiumPrograms) }, () => {
  let pages: PageServer
  let gateway: Gateway
  const profiles: BrowserProfile[] = []

  before(async () => {
    pages = await PageServer.listen()
    gateway = await Gateway.start({ toml: defaultToml.replace('port = 0', `port = 0\norigins = ["${pages.origin('127.0.0.1')}"]`) })
    await pages.useCertificate(join(gateway.folder, 'certs'))
  })
  after(async () => {
    await pages.stop()
    for (const { close } of profiles) await close()
    await gateway.stop()
  })

  /** A browser that nobody has used yet. */
  async function freshBrowser({ hasCertificate }: { readonly hasCertificate: boolean }): Promise<BrowserContext> {
    const file = (name: string) => join(gateway.folder, 'certs', name)
    const profile = await openProfile({
      caFile: file('ca.crt'),
      ...hasCertificate ? { p12: { file: file('alice.p12'), password: 'meerkat' }, certificateFor: [gateway.origin()] } : {},
    })
    profiles.push(profile)
    return profile.context
  }

  const pageUrl = (origin: string, path = '/login.html') => `${origin}${path}?${new URLSearchParams({ service: gateway.url(), jid: 'alice@localhost' })}`

  async function openPage(context: BrowserContext, origin: string): Promise<Page> {
    const page = await context.newPage()
    await page.goto(pageUrl(origin))
    return page
  }

  /** As if the gateway's own web server had the page: a document of that server, really fetched, with another content. */
  async function openPageOfGateway(context: BrowserContext): Promise<Page> {
    const page = await context.newPage()
    await page.goto(pageUrl(gateway.origin(), '/'))
    await picture(page, 'welcome')
    await page.route(url => isAsset(url.pathname), async route => {
      const found = await asset(new URL(route.request().url()).pathname)
      await (found === null ? route.abort() : route.fulfill(found))
    })
    await page.setContent((await asset('/login.html'))?.body.toString() ?? '')
    return page
  }

  const shown = (page: Page, text: string | RegExp) => page.locator('#log li').filter({ hasText: text }).first().waitFor({ timeout: patience })

  /** For people to look at: SCREENSHOTS names a folder. */
  async function picture(page: Page, name: string): Promise<void> {
    const folder = process.env.SCREENSHOTS
    if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) })
  }

  async function talksWithBob(page: Page): Promise<void> {
    const bob = await WireClient.login(gateway, 'bob')
    bob.send('<presence xmlns="jabber:client"/>')
    bob.send('<iq xmlns="jabber:client" type="get" id="p" to="localhost"><ping xmlns="urn:xmpp:ping"/></iq>')
    let heard = await bob.next()
    while (heard.local !== 'iq') heard = await bob.next()

    await page.fill('#text', 'Ça va, <bob> & co?')
    await page.click('#say')
    while (heard.local !== 'message') heard = await bob.next()
    assert.equal(heard.children[0]?.text, 'Ça va, <bob> & co?')
    const from = heard.attributes.get('from') ?? ''
    assert.match(from, /^alice@localhost\/./)

    bob.send(`<message xmlns="jabber:client" type="chat" to="${from}"><body>Très bien.</body></message>`)
    await shown(page, `${bob.jid}: Très bien.`)
    await bob.quit()
  }

  test('logs in with strophe.js through Playwright\'s client certificates, and talks', async () => {
    const { cert, key } = await gateway.identity('alice')
    const browser = await chromium.launch(launchOptions())
    try {
      const context = await browser.newContext({
        bypassCSP: true,
        ignoreHTTPSErrors: true, // Playwright speaks TLS for the browser here, and knows no authority of ours
        clientCertificates: [{ origin: gateway.origin(), cert: Buffer.from(cert), key: Buffer.from(key) }],
      })
      const page = await openPageOfGateway(context)
      await page.click('#log-in')
      await shown(page, 'logged in as alice@localhost/')
      await talksWithBob(page)
      await picture(page, 'playwright-certificate')
    } finally {
      await browser.close()
    }
  })

  test('logs in with strophe.js and a certificate of the NSS database, by the browser\'s own TLS, and talks', async () => {
    const page = await openPageOfGateway(await freshBrowser({ hasCertificate: true }))
    await page.click('#log-in')
    await shown(page, 'logged in as alice@localhost/')
    await talksWithBob(page)
    await picture(page, 'own-certificate')
  })

  test('of another, allowed origin logs in by certificate after a request to warm up; before it the WebSocket ends with 1006', async () => {
    const page = await openPage(await freshBrowser({ hasCertificate: true }), pages.origin('127.0.0.1'))
    await page.click('#ask')
    await shown(page, 'closed with 1006')
    await page.click('#warm-up')
    await shown(page, 'warmed up')
    await page.click('#log-in')
    await shown(page, 'logged in as alice@localhost/')
    await talksWithBob(page)
    await picture(page, 'other-origin')
  })

  test('of an origin that is not allowed cannot open a session, though the browser holds the certificate', async () => {
    const context = await freshBrowser({ hasCertificate: true })
    const own = await openPageOfGateway(context)
    await own.click('#log-in')
    await shown(own, 'logged in as alice@localhost/')

    const before = gateway.eventsNamed('auth.success').length
    const page = await openPage(context, pages.origin('localhost'))
    await page.click('#log-in')
    await shown(page, 'log-in failed')
    await page.click('#ask')
    await shown(page, 'closed with 1006')
    const refusals = gateway.eventsNamed('websocket.refused').filter(({ origin }) => origin === pages.origin('localhost'))
    assert.deepEqual(refusals.map(({ status }) => status), [403, 403])
    assert.equal(gateway.eventsNamed('auth.success').length, before)
    await picture(page, 'refused-origin')
  })

  test('in a browser without a certificate reads in the server\'s words why the login is refused, after a request to warm up', async () => {
    const page = await openPage(await freshBrowser({ hasCertificate: false }), pages.origin('127.0.0.1'))
    await page.click('#ask')
    await shown(page, 'closed with 1006')
    await page.click('#warm-up')
    await shown(page, 'warmed up')
    await page.click('#ask')
    await shown(page, 'refused, not-authorized: No client certificate came with this connection.')
    await page.click('#log-in')
    await shown(page, 'log-in failed: no-auth-mech')
    await picture(page, 'no-certificate')
  })
})
