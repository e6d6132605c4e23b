// node zz-ab.ts USERS ROUNDS 'label|root|opts' ...
import { join } from 'node:path'
import { Child } from './remote.ts'
import { Ground } from './servers.ts'
const [users, rounds, ...specs] = process.argv.slice(2)
const ground = await Ground.make(Number(users))
const sides = []
for (const spec of ['bare||', ...specs]) {
  const [label = '', root = '', opts = ''] = spec.split('|')
  let server
  if (label === 'bare') server = await ground.start('bare', [], 'bare-relay')
  else if (label === 'fixed') server = await ground.start('bare', [], 'bare-login')
  else {
    const child = new Child({ core: 0, cwd: ground.folder, node: [...opts.split(' ').filter(x => x), '--import', join(import.meta.dirname, 'probe.ts'), join(root || '/work/main', 'src/main.ts'), 'start', '--config', join(ground.folder, 'meerkat.toml')] })
    await (await import('node:fs/promises')).rm(join(ground.folder, 'data'), { recursive: true, force: true })
    const [, n] = await child.said(/(?:wss|https):\/\/localhost:(\d+)/)
    server = { child, port: Number(n) }
  }
  const load = new Child({ core: 1, node: [join(import.meta.dirname, 'login-load.ts')] })
  await load.call('aim', { isLogin: label !== 'bare' && !label.startsWith('hs'), port: server.port, ca: ground.ca, identities: ground.identities })
  sides.push({ label, server, load, costs: [] as number[] })
}
for (let r = -Number(process.env.WARM ?? 40); r < Number(rounds); r++) {
  for (const s of r % 2 ? sides : [...sides].reverse()) {
    const b = await s.server.child.call<number>('cpu')
    await s.load.call('logins', { logins: 200, concurrency: 8 })
    const c = await s.server.child.call<number>('cpu')
    if (r >= 0) s.costs.push((c - b) / 200)
    await s.load.call('leave')
  }
}
const med = (x: number[]) => x.toSorted((a, b) => a - b)[x.length >> 1] ?? 0
const bare = sides[0]!
for (const s of sides) console.log(s.label.padEnd(12), med(s.costs).toFixed(3), 'ms', med(s.costs.map((c, i) => c / bare.costs[i]!)).toFixed(3))
for (const s of sides) await Promise.all([s.server.child.stop(), s.load.stop()])
