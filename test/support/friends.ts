// Two who see each other's presence.
import type { Guest, SmallHouse } from './small-house.ts'

/** Both have come. */
export async function befriend(house: SmallHouse, one: Guest, other: Guest): Promise<void> {
  const bare = ({ jid }: Guest) => jid.split('/', 1)[0] ?? ''
  for (const [asking, asked] of [[one, other], [other, one]] as const) {
    asking.say(`<presence type='subscribe' to='${bare(asked)}'/>`)
    await house.idle()
    asked.say(`<presence type='subscribed' to='${bare(asking)}'/>`)
    await house.idle()
  }
}
