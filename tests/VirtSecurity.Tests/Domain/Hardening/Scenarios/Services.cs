using System.Globalization;
using VirtSecurity.Tests.Engine;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

/// <summary>Units, sockets and processes of a scenario, in the words of the tools.</summary>
internal static class Services
{
    /// <summary>What a real tool said once; Fixtures/services/README.md names it.</summary>
    public static string Recorded(string name) => File.ReadAllText(Path.Combine(EngineRun.RepoRoot, "tests", "VirtSecurity.Tests", "Fixtures", "services", name));

    /// <summary>
    /// Units as systemctl shows them: <c>running</c>, <c>listening</c>, <c>exited</c>, <c>start</c> or <c>dead</c>; enabled or not; a type or a socket's mode, and what starts it, behind. The words follow
    /// systemctl(1)'s documented form.
    /// </summary>
    public static ScenarioHost Units(this ScenarioHost host, params string[] units) => host.Says("unit-states", string.Join('\n', units.Select(unit =>
    {
        var words = unit.Split(' ');
        var of = words[0].EndsWith(".socket", StringComparison.Ordinal) ? $"SocketMode={words.ElementAtOrDefault(3) ?? "0600"}" : $"Type={words.ElementAtOrDefault(3) ?? "notify"}";
        return $"{of}\nId={words[0]}\nActiveState={(words[1] switch { "dead" => "inactive", "start" => "activating", _ => "active" })}\nSubState={words[1]}\nUnitFileState={words[2]}\nTriggeredBy={words.ElementAtOrDefault(4)}\n";
    })) + "\n@end\n");

    /// <summary>Sockets as the kernel's tables have them: <c>tcp 0.0.0.0:22 sshd</c>.</summary>
    public static ScenarioHost Sockets(this ScenarioHost host, params string[] sockets)
    {
        var text = "order   1\nrange 32768 60999\n";
        for (var i = 0; i < sockets.Length; i++)
        {
            var words = sockets[i].Split(' ');
            var at = words[1].LastIndexOf(':');
            var bytes = System.Net.IPAddress.Parse(words[1][..at]).GetAddressBytes();
            for (var j = 0; j < bytes.Length; j += 4) Array.Reverse(bytes, j, 4);
            var table = bytes.Length == 4 ? words[0] : words[0] + "6";
            text += string.Create(CultureInfo.InvariantCulture, $"table {table}    {i}: {Convert.ToHexString(bytes)}:{int.Parse(words[1][(at + 1)..], CultureInfo.InvariantCulture):X4} {new string('0', bytes.Length * 2)}:0000 {(words[0] == "tcp" ? "0A" : "07")} 00000000:00000000 00:00000000 00000000     0        0 {5000 + i} 1 0000000000000000 100 0 0 10 0\n")
                + $"holds /proc/{700 + i}/fd socket:[{5000 + i}]\n/proc/{700 + i}/comm:{words[2]}\n";
        }

        return host.Says("listening-sockets", text);
    }

    /// <summary>Processes: <c>number executable uid cgroup</c>, and a guest's name or a Seccomp mode behind.</summary>
    public static ScenarioHost Processes(this ScenarioHost host, params (int Id, string Executable, int User, string Group)[] processes) => Processes(host, 2, processes);

    public static ScenarioHost Processes(this ScenarioHost host, int seccomp, params (int Id, string Executable, int User, string Group)[] processes) => host.Says(
        "processes",
        string.Concat(processes.Select(process => $"{process.Id}/exe:{process.Executable}\0")) + "\0" + string.Concat(processes.Select(process =>
            $"{process.Id}/status:Name:\t{Path.GetFileName(process.Executable)}\n{process.Id}/status:PPid:\t1\n{process.Id}/status:Uid:\t{process.User}\t{process.User}\t{process.User}\t{process.User}\n{process.Id}/status:Gid:\t{process.User}\t{process.User}\t{process.User}\t{process.User}\n{process.Id}/status:Seccomp:\t{seccomp}\n{process.Id}/cgroup:0::{process.Group}\n")));
}
