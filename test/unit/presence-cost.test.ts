// What presence and logins look at: those whom they concern, however many others there are (RFC 6121 §4.2, §4.4).
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Directory } from '../../src/session/directory.ts'
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
