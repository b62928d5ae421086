import { defineConfig } from 'vitest/config'

/** Tests that need packages of the system; `test/system-packages.ts` names a missing one and how to install it. */
export default defineConfig({
  test: {
    include: ['{devices,agent,server,systemd,test}/**/*.system.test.ts'],
    globalSetup: ['test/system-packages.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: 'var/test-results/system.json' }]],
  },
})
