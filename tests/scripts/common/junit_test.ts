import { failureReport, readReport, readReports, total } from "../../../scripts/common/junit.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

/** As Deno 2.9.6 writes it. */
const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="8" failures="3" errors="0" time="0.012">
    <testsuite name="./a_test.ts" tests="8" disabled="1" errors="0" failures="3">
        <testcase name="passes" classname="./a_test.ts" time="0.001" line="1" col="6">
        </testcase>
        <testcase name="a &lt;b&gt; (ignored: needs root)" classname="./a_test.ts" time="0.000" line="2" col="6">
            <skipped/>
        </testcase>
        <testcase name="fails" classname="./a_test.ts" time="0.001" line="3" col="6">
            <failure message="Uncaught Error: &lt;skipped/&gt;">Error: &lt;/testcase&gt;
    at file:///a_test.ts:3:34</failure>
        </testcase>
        <testcase name="has steps" classname="./a_test.ts" time="0.002" line="4" col="6">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="1 &gt; 0" classname="./a_test.ts" time="0.001" line="5" col="6">
        </testcase>
        <testcase name="has steps &gt; one" classname="./a_test.ts" time="0.000" line="4" col="43">
        </testcase>
        <testcase name="has steps &gt; two" classname="./a_test.ts" time="0.000" line="4" col="74">
            <failure message="Uncaught Error: in step">Error: in step</failure>
        </testcase>
        <testcase name="has steps &gt; two &gt; three" classname="./a_test.ts" time="0.000" line="4" col="74">
        </testcase>
    </testsuite>
    <testsuite name="./b_test.ts" tests="3" disabled="1" errors="1" failures="0">
        <testcase name="passes" classname="./b_test.ts" time="0.001" line="1" col="6">
        </testcase>
        <testcase name="was cancelled" classname="./b_test.ts" time="0.001" line="1" col="6">
            <error message="Cancelled"/>
        </testcase>
        <testcase name="without a reason" classname="./b_test.ts" time="0.000" line="2" col="6">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>
`;

Deno.test("JUnit: tests by their results, without steps, and why some were ignored", () => {
  const { reasons, ...count } = readReport(REPORT);
  assertEquals(count, { passed: 3, failed: 3, ignored: 2 });
  assertEquals([...reasons], [["needs root", 1], ["no reason given", 1]]);
});

Deno.test("JUnit: a total has all counts and reasons", () => {
  const { reasons, ...count } = total([readReport(REPORT), readReport(REPORT), readReport("")]);
  assertEquals(count, { passed: 6, failed: 6, ignored: 4 });
  assertEquals([...reasons], [["needs root", 2], ["no reason given", 2]]);
});

Deno.test("JUnit: the report of a failure has one failed test", () => {
  const { reasons, ...count } = readReport(failureReport("status <1> of \"x\" & 'y'"));
  assertEquals(count, { passed: 0, failed: 1, ignored: 0 });
  assertEquals(reasons.size, 0);
});

Deno.test("JUnit: reports are read from files and from folders; a path without any is an error", async () => {
  const directory = await Deno.makeTempDir({ prefix: "slirpnetstack-junit-" });
  try {
    for (const name of ["a.xml", "b.xml"]) await Deno.writeTextFile(`${directory}/${name}`, REPORT);
    assertEquals(total(readReports([directory, `${directory}/a.xml`])).passed, 9);
    assertThrows(() => readReports([`${directory}/none`]), Deno.errors.NotFound);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
