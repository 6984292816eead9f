// node-hl7-client against a listener: its own messages. Argument: host:port.
const { Client, HL7_2_5 } = require('node-hl7-client');

const [host, port] = process.argv[2].split(':');

function admission(id, mrn) {
  return new HL7_2_5()
    .buildMSH({
      msh_3: 'REG', msh_4: 'HOSP', msh_5: 'WARD', msh_6: 'HOSP',
      msh_9_1: 'ADT', msh_9_2: 'A01', msh_10: id, msh_11_1: 'P',
    })
    .buildEVN({ evn_1: 'A01', evn_2: new Date(0) })
    .buildPID({ pid_3: `${mrn}^^^HOSP^MR`, pid_5: 'Node^Jane^A', pid_8: 'F' })
    .buildPV1({ pv1_2: 'I', pv1_3: 'W1^101^A', pv1_19: `V${mrn}^^^HOSP^VN` })
    .toMessage();
}

const client = new Client({ host, version: '2.5' });
let heard;
const connection = client.createConnection({ port: Number(port) }, async (answer) => {
  const message = answer.getMessage();
  heard(['MSA.1', 'MSA.2'].map((path) => message.get(path).toString()).join(' '));
});

async function exchange(message) {
  const answer = new Promise((resolve) => { heard = resolve; });
  await connection.sendMessage(message);
  console.log(await answer);
}

(async () => {
  await exchange(admission('NODE1', '57'));
  await exchange(admission('NODE2', '58'));
  await connection.close();
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
