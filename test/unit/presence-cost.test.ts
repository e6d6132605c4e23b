// What presence and logins look at: those whom they concern, however many others there are (RFC 6121 §4.2, §4.4).
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Directory } from '../../src/session/directory.ts'
import { item } from '../contract/store-scene.ts'
import { bare } from '../support/external-certificate.ts'
import { befriend } from '../support/friends.ts'
import { SmallHouse } from '../support/small-house.ts'

const others = 5_000
const contacts = 10

test(`among ${others} others, whoever has ${contacts} contacts looks at these when he comes, changes, probes, writes and goes, and nothing goes through all`, async () => {
  const house = new SmallHouse()
  const romeo = await house.enter('romeo', 'r')
  for (let number = 0; number < contacts; number++) {
    const friend = await house.enter(`friend${number}`, 'r')
    friend.say('<presence/>')
    await befriend(house, romeo, friend)
  }
  for (let number = 0; number < others; number++) (await house.enter(`other${number}`, 'r')).say('<presence/>')
  await house.idle()
  const looks = { ofAccount: mock.method(Directory.prototype, 'ofAccount'), get: mock.method(Directory.prototype, 'get'), values: mock.method(Directory.prototype, 'values') }
  try {
    const costs: [what: string, looks: number, heard: number][] = []
    const act = async (what: string, xml: string) => {
      for (const { mock: counted } of Object.values(looks)) counted.resetCalls()
      romeo.outbound.heard()
      romeo.say(xml)
      await house.idle()
      costs.push([what, looks.ofAccount.mock.callCount() + looks.get.mock.callCount(), romeo.outbound.heard().length])
      assert.equal(looks.values.mock.callCount(), 0, `${what} goes through all`)
    }
    await act('comes', '<presence/>')
    await act('changes', '<presence><show>away</show></presence>')
    await act('probes', "<presence type='probe' to='friend1@example.net'/>")
    await act('writes', "<message type='chat' to='friend1@example.net'><body>x</body></message>")
    await act('asks for the roster', "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
    await act('goes', "<presence type='unavailable'/>")
    const [comes] = costs
    // His own presence and that of each contact.
    assert.equal(comes?.[2], 1 + contacts)
    for (const [what, count] of costs) assert.ok(count <= 3 * (contacts + 2), `${what}: ${count} looks`)
    for (const [what, count] of costs.filter(([what]) => ['probes', 'writes', 'asks for the roster'].includes(what))) assert.ok(count <= 4, `${what}: ${count} looks`)
  } finally {
    mock.restoreAll()
  }
})

test('of 2,000 contacts who are not there nobody is looked for when somebody shows himself anew or goes, whether they have been there or not', async () => {
  const house = new SmallHouse()
  const both = (names: readonly string[]) => names.map((name, index) => ({ kind: 'roster-set', item: item(bare(`${name}@example.net`), { subscription: 'both', version: index + 1 }) }) as const)
  const away = Array.from({ length: 2_000 }, (_, number) => `away${number}`)
  const friends = Array.from({ length: contacts }, (_, number) => `friend${number}`)
  const romeoOnly = both(['romeo'])
  await house.store.commit([{ account: bare('romeo@example.net'), changes: [{ kind: 'known' }, ...both([...away, ...friends])] },
    ...[...away, ...friends].map(name => ({ account: bare(`${name}@example.net`), changes: romeoOnly }))])
  const early = await Promise.all([...friends.slice(0, 5), ...away.slice(0, 100)].map(name => house.enter(name, 'r')))
  const romeo = await house.enter('romeo', 'r')
  const all = [...early, ...await Promise.all([...friends.slice(5), ...away.slice(100, 200)].map(name => house.enter(name, 'r')))]
  for (const guest of [romeo, ...all]) guest.say('<presence/>')
  await house.idle()
  for (const guest of all) if (guest.jid.startsWith('away')) guest.session.end('closed', null)
  await house.idle()
  const there = all.filter(({ jid }) => jid.startsWith('friend'))
  const looks = mock.method(Directory.prototype, 'ofAccount')
  try {
    for (const [xml, isHeard] of [['<presence><show>away</show></presence>', /<show>away/], ["<presence type='unavailable'/>", /type='unavailable'/]] as const) {
      for (const { outbound } of there) outbound.heard()
      looks.mock.resetCalls()
      romeo.say(xml)
      await house.idle()
      assert.ok(looks.mock.callCount() <= contacts + 2, `${looks.mock.callCount()} looks`)
      for (const { outbound } of there) assert.match(outbound.heard().join(''), isHeard)
    }
  } finally {
    mock.restoreAll()
  }
})
