using System.Management.Automation;
using Xunit;

namespace VirtSecurity.Tests.Engine;

/// <summary>Judging labels and rules from a script, and putting right what is wrong, by piping it on.</summary>
public sealed class LabelTests
{
    private const string Pool = "/var/lib/libvirt/images";
    private const string Image = "system_u:object_r:virt_image_t:s0";
    private const string LocalRules = "etc/selinux/default/contexts/files/file_contexts.local";
    private const string Exec = "rwxr-xr-x";

    [Fact]
    public void ATreeIsJudgedInOneRoundTripAHost()
    {
        using var hosts = new ScriptedHosts();
        Populate(hosts.Add("kvm1"));
        Populate(hosts.Add("kvm2"));
        var calls = hosts.SshCalls.Count;
        var run = hosts.Run($"Test-VirtImageContext {Pool} -Recurse -VirtHost kvm1, kvm2; Get-VirtImageContext {Pool}/right.img -VirtHost kvm1");
        Assert.Empty(run.Errors);
        Assert.Equal(3, hosts.SshCalls.Count - calls);
        Assert.Equal(
            [
                $"{Pool} Compliant True ", $"{Pool}/a 'b'.img WrongType False ", $"{Pool}/held.img RunningGuest True web", $"{Pool}/open.img RunningGuest True web", $"{Pool}/right.img Compliant True ",
                $"{Pool}/root.img WrongUser True ", $"{Pool}/stale.img StaleCategories False ",
            ],
            run.Output.Where(test => Text(test, "VirtHost") == "kvm1" && test.Properties["Verdict"] is not null).Select(test => $"{Text(test, "Path")} {Text(test, "Verdict")} {Text(test, "IsCompliant")} {Text(test, "Guest")}").Order(StringComparer.Ordinal));
        Assert.Equal(15, run.Output.Count);
        var stale = run.Output.First(test => Text(test, "Path").EndsWith("stale.img", StringComparison.Ordinal));
        Assert.Equal(("system_u:object_r:svirt_image_t:s0:c8,c9", Image, "virt_image_t", "Policy"), (Text(stale, "Context"), Text(stale, "ExpectedContext"), Text(stale, "SELinuxType"), Text(stale, "RuleSource")));
        Assert.Equal($"{Pool}(/.*)?\tsystem_u:object_r:virt_image_t:s0", Text(stale, "FileContextRule"));
        Assert.Equal(("True", "1", ""), (Text(run.Output[^1], "IsCompliant"), Text(run.Output[^1], "ItemCount"), Text(run.Output[^1], "Equivalence")));
    }

    [Fact]
    public void OneAnswerIsTrueOnlyIfAllIsRightAndAllCouldBeRead()
    {
        using var hosts = new ScriptedHosts();
        Populate(hosts.Add("kvm1"));
        var none = hosts.Add("kvm2").Write("var/lib/libvirt/images/right.img", "").Label($"{Pool}/right.img", Image).Label(Pool, Image).Write("state/unreadable", $"find: '{Pool}/theirs': Permission denied\n");
        hosts.Add("kvm3").Refuse("ssh: connect to host kvm3 port 22: Connection refused");
        var cases = new Cases(hosts, [
            ("right", $"Test-VirtImageContext {Pool}/right.img -Quiet -VirtHost kvm1"),
            ("held", $"Test-VirtImageContext {Pool}/held.img -Quiet -VirtHost kvm1"),
            ("root", $"Test-VirtImageContext {Pool}/root.img -Quiet -VirtHost kvm1"),
            ("strict", $"Test-VirtImageContext {Pool}/root.img -Quiet -Strict -VirtHost kvm1"),
            ("all", $"Test-VirtImageContext {Pool} -Recurse -Quiet -VirtHost kvm1"),
            ("nothing", $"Test-VirtImageContext {Pool}/*.nosuch -Quiet -VirtHost kvm1"),
            ("gone", $"Test-VirtImageContext {Pool}/gone, {Pool}/right.img -VirtHost kvm1"),
            ("gone quiet", $"Test-VirtImageContext {Pool}/gone, {Pool}/right.img -Quiet -VirtHost kvm1"),
            ("unreadable", $"Test-VirtImageContext {Pool} -Recurse -VirtHost kvm2"),
            ("unreadable quiet", $"Test-VirtImageContext {Pool} -Recurse -Quiet -VirtHost kvm2"),
            ("no host", $"Test-VirtImageContext {Pool}/right.img -VirtHost kvm3, kvm1"),
            ("relative", "Test-VirtImageContext images -VirtHost kvm1"),
        ]);
        Assert.Equal(["True", "True", "True", "False", "False", "False"], ((string[])["right", "held", "root", "strict", "all", "nothing"]).Select(name => Assert.Single(cases.Output(name)).ToString()));
        (string Case, string Id, string Category, string Target)[] errors =
        [
            ("gone", "PathNotFound", "ObjectNotFound", $"{Pool}/gone"), ("gone quiet", "PathNotFound", "ObjectNotFound", $"{Pool}/gone"), ("unreadable", "LabelsUnreadable", "ReadError", "kvm2"),
            ("unreadable quiet", "LabelsUnreadable", "ReadError", "kvm2"), ("no host", "HostUnreachable", "ConnectionError", "kvm3"), ("relative", "InvalidPath", "InvalidArgument", "images"),
        ];
        Assert.All(errors, expected =>
        {
            var error = Assert.Single(cases.Errors(expected.Case));
            Assert.Equal((expected.Id, expected.Category, expected.Target), (error.Id, error.Category, error.Target));
        });
        Assert.Contains("theirs", Assert.Single(cases.Errors("unreadable")).Message, StringComparison.Ordinal);
        Assert.Equal(["1", "False", "2", "False", "1", "0"], ((string[])["gone", "gone quiet", "unreadable", "unreadable quiet", "no host", "relative"]).Select(name =>
        {
            var values = cases.Run.Output.Where(record => (string)record.Properties["Case"].Value == name && record.Properties["Value"] is not null).Select(record => record.Properties["Value"].Value).ToArray();
            return name.EndsWith("quiet", StringComparison.Ordinal) ? Assert.Single(values).ToString() : values.Length.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }));
        Assert.Empty(none.Changes);
    }

    [Fact]
    public void WhatIsJudgedWrongIsPutRightInOneGoAndTheSecondTimeNothingIs()
    {
        using var hosts = new ScriptedHosts();
        var kvm = Populate(hosts.Add("kvm1"));
        var pipeline = $"Test-VirtImageContext {Pool}, /srv/loose.img, /pool/stale.img, '/srv/[x].img' -Recurse -VirtHost kvm1 | Where-Object IsCompliant -eq $false | Set-VirtImageContext";
        var whatIf = hosts.Run(pipeline.Replace("/srv/[x].img", "/srv/`[x`].img", StringComparison.Ordinal) + " -WhatIf");
        Assert.Empty(whatIf.Errors);
        Assert.Empty(kvm.Changes);
        Assert.Contains(whatIf.Console, line => line.Contains($"restorecon -F -- {Pool}/stale.img", StringComparison.Ordinal));

        var run = hosts.Run(pipeline.Replace("/srv/[x].img", "/srv/`[x`].img", StringComparison.Ordinal));
        Assert.Empty(run.Errors);
        Assert.Equal(["/srv/[x].img", "/srv/loose.img", $"{Pool}/a 'b'.img", $"{Pool}/stale.img"], run.Output.Select(context => Text(context, "Path")).Order(StringComparer.Ordinal));
        Assert.All(run.Output, context => Assert.Equal("True", Text(context, "IsCompliant")));
        Assert.Equal(["fcontext -a -f a -t virt_image_t -r s0 '/srv/loose\\x2eimg'", "fcontext -a -f a -t virt_image_t -r s0 '/srv/\\x5bx\\x5d\\x2eimg'"], kvm.ImportedRules);
        Assert.Single(kvm.Changes, call => call.StartsWith("semanage ", StringComparison.Ordinal));
        Assert.Equal([Image, Image, "system_u:object_r:svirt_image_t:s0:c1,c2"], ((string[])["stale.img", "a 'b'.img", "held.img"]).Select(name => kvm.LabelOf($"{Pool}/{name}")));

        kvm.Write("state/log", "");
        var again = hosts.Run(pipeline.Replace("/srv/[x].img", "/srv/`[x`].img", StringComparison.Ordinal));
        Assert.Empty(again.Output);
        Assert.Empty(kvm.Changes);
    }

    [Fact]
    public void ALinkIsJudgedAndPutRightWhereItLeadsTo()
    {
        using var hosts = new ScriptedHosts();
        var kvm = Populate(hosts.Add("kvm1").MakeLink("/srv/nowhere", "/gone"));
        var run = hosts.Run("Test-VirtImageContext /pool/stale.img, /srv/nowhere -VirtHost kvm1 -OutVariable tests; $tests | Set-VirtImageContext");
        Assert.Equal("PathNotFound", Text(Assert.Single(run.Errors), "FullyQualifiedErrorId").Split(',')[0]);
        Assert.Equal(("/pool/stale.img", $"{Pool}/stale.img", "StaleCategories"), (Text(run.Output[0], "Path"), Text(run.Output[0], "Target"), Text(run.Output[0], "Verdict")));
        Assert.Equal($"{Pool}/stale.img", Text(run.Output[1], "Path"));
        Assert.Equal(Image, kvm.LabelOf($"{Pool}/stale.img"));
    }

    [Fact]
    public void RulesThatAreSafeToMendAreMendedByPipingThemOn()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1").MakeDirectory("/my.images", Mode(Exec)).MakeDirectory("/good", Mode(Exec)).MakeDirectory("/home/ann", Mode(Exec)).MakeDirectory("/web", Mode(Exec)).Write(LocalRules, """
            /good(/.*)?    system_u:object_r:virt_image_t:s0
            /my.images(/.*)?    system_u:object_r:virt_image_t:s0
            /gone(/.*)?    system_u:object_r:virt_image_t:s0
            /home/ann(/.*)?    system_u:object_r:virt_content_t:s0
            /web.d(/.*)?    system_u:object_r:httpd_sys_content_t:s0

            """).Label("/home/ann", "system_u:object_r:virt_content_t:s0");
        var listed = hosts.Run("Get-VirtImageContextRule -VirtHost kvm1; '---'; Get-VirtImageContextRule -VirtHost kvm1 -Problem; '---'; Get-VirtImageContextRule /g* -VirtHost kvm1; [pscustomobject]@{ Path = '/my.images' } | Get-VirtImageContextRule -VirtHost kvm1");
        Assert.Empty(listed.Errors);
        var parts = string.Join('\n', listed.Output.Select(record => record.ToString())).Split("---\n");
        Assert.Equal(["/var/lib/xen/images(/.*)?", $"{Pool}(/.*)?", "/good(/.*)?", "/my.images(/.*)?", "/gone(/.*)?", "/home/ann(/.*)?", "/web.d(/.*)?"], parts[0].TrimEnd('\n').Split('\n'));
        Assert.Equal(["/my.images(/.*)?", "/gone(/.*)?", "/home/ann(/.*)?", "/web.d(/.*)?"], parts[1].TrimEnd('\n').Split('\n'));
        Assert.Equal(["/good(/.*)?", "/gone(/.*)?", "/my.images(/.*)?"], parts[2].TrimEnd('\n').Split('\n'));

        var mended = hosts.Run("""
            Get-VirtImageContextRule -VirtHost kvm1 -Problem | Where-Object Remedy -eq Set | Set-VirtImageContext
            Get-VirtImageContextRule -VirtHost kvm1 -Problem | Where-Object Remedy -eq Remove | Remove-VirtImageContext -Confirm:$false
            Get-VirtImageContextRule -VirtHost kvm1 -Problem
            """);
        Assert.Empty(mended.Errors);
        Assert.Equal(["/my.images", "/gone", "/home/ann", "/web.d(/.*)?"], mended.Output.Select(record => record.ToString()));
        Assert.Equal(
            ["/good(/.*)?    system_u:object_r:virt_image_t:s0", "/web.d(/.*)?    system_u:object_r:httpd_sys_content_t:s0", "/my\\x2eimages(/.*)?    system_u:object_r:virt_image_t:s0"],
            kvm.Read(LocalRules).TrimEnd('\n').Split('\n'));
        Assert.Equal("system_u:object_r:default_t:s0", kvm.LabelOf("/home/ann"));
    }

    [Fact]
    public void ARuleGoesOnlyAfterItWasAskedForAndAResetNeedsNone()
    {
        using var hosts = new ScriptedHosts();
        var kvm = hosts.Add("kvm1").MakeDirectory("/store", Mode(Exec)).Write("store/a.img", "").Write(LocalRules, "/store(/.*)?    system_u:object_r:virt_image_t:s0\n").Label("/store", Image).Label("/store/a.img", Image);
        var refused = hosts.Run("Remove-VirtImageContext /store -VirtHost kvm1", "--answers", "n");
        Assert.Contains("/store", Assert.Single(refused.Questions), StringComparison.Ordinal);
        Assert.Empty(refused.Output);
        Assert.Empty(kvm.Changes);

        var cases = new Cases(hosts, [
            ("no rule", "Remove-VirtImageContext /store/a.img -VirtHost kvm1 -Confirm:$false"),
            ("not plain", "Remove-VirtImageContext -LiteralPath /store -Pattern '/[st]tore' -VirtHost kvm1 -Confirm:$false"),
            ("removed", "Get-VirtImageContext /store -VirtHost kvm1 | Remove-VirtImageContext -Confirm:$false"),
            ("reset", "Set-VirtImageContext /srv -Reset -VirtHost kvm1; Set-VirtImageContext /store -Reset -VirtHost kvm1"),
        ]);
        Assert.Equal(["RuleNotFound ObjectNotFound", "RuleNotPlain InvalidArgument"], ((string[])["no rule", "not plain"]).Select(name => Assert.Single(cases.Errors(name))).Select(error => $"{error.Id} {error.Category}"));
        var removed = Assert.Single(cases.Output("removed"));
        Assert.Equal(("", "False", "default_t"), (Text(removed, "SELinuxType"), Text(removed, "IsCompliant"), Text(removed, "ExpectedContext").Split(':')[2]));
        Assert.Equal("RefusedPath", Assert.Single(cases.Errors("reset")).Id);
        Assert.Equal("system_u:object_r:default_t:s0", kvm.LabelOf("/store/a.img"));
        Assert.Equal("", kvm.Read(LocalRules));
    }

    [Fact]
    public void WhatCameThroughAJobBindsAgain()
    {
        using var hosts = new ScriptedHosts();
        Populate(hosts.Add("kvm1"));
        const string through = "ForEach-Object { [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($_, 1)) }";
        var run = hosts.Run($"Test-VirtImageContext {Pool}/stale.img -VirtHost kvm1 | {through} | Set-VirtImageContext; Get-VirtImageContext {Pool}/right.img -VirtHost kvm1 | {through} | Test-VirtImageContext");
        Assert.Empty(run.Errors);
        Assert.Equal(["True", "True"], run.Output.Select(record => Text(record, "IsCompliant")));
    }

    /// <summary>A host in whose pool are images of every kind: one that a guest holds by label, one by an open file, one of a guest that was killed.</summary>
    private static ScriptedHost Populate(ScriptedHost host)
    {
        foreach (var name in (string[])["right.img", "a 'b'.img", "root.img", "held.img", "open.img", "stale.img"]) host.Write($"var/lib/libvirt/images/{name}", "");
        return host.Label(Pool, Image).Label($"{Pool}/right.img", Image).Label($"{Pool}/a 'b'.img", "system_u:object_r:etc_t:s0").Label($"{Pool}/root.img", "unconfined_u:object_r:virt_image_t:s0")
            .Label($"{Pool}/held.img", "system_u:object_r:svirt_image_t:s0:c1,c2").Label($"{Pool}/open.img", Image).Label($"{Pool}/stale.img", "system_u:object_r:svirt_image_t:s0:c8,c9")
            .Write("proc/300/comm", "qemu-system-x86\n").Write("proc/300/attr/current", "system_u:system_r:svirt_t:s0:c1,c2\0").Write("proc/300/cmdline", "qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0")
            .MakeLink("/proc/300/fd/9", $"{Pool}/open.img").MakeLink("/pool", Pool).Write("srv/loose.img", "").Write("srv/[x].img", "");
    }

    private static UnixFileMode Mode(string text) =>
        text.Reverse().Index().Where(bit => bit.Item != '-').Aggregate(UnixFileMode.None, (mode, bit) => mode | (UnixFileMode)(1 << bit.Index));

    private static string Text(PSObject value, string property) => value.Properties[property]?.Value?.ToString() ?? "";
}
