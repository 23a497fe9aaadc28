using System.Globalization;
using System.Security;
using System.Text;

namespace VirtSecurity.Tests.Domain.Hardening.Scenarios;

/// <summary>An image of a scenario: a file of root's, at rest in its place, unless it says otherwise.</summary>
/// <param name="Guest">Whose it is; empty: nobody's, found where images lie.</param>
/// <param name="Path">As the definition names it.</param>
internal sealed record Img(string Guest, string Path)
{
    public string Real { get; init; } = "";
    public string Device { get; init; } = "disk";
    public string? Format { get; init; } = "raw";
    public string Inside { get; init; } = "";
    public bool IsRunning { get; init; }
    public string Context { get; init; } = "system_u:object_r:virt_image_t:s0";

    /// <summary>As inode(7): file type and permission bits.</summary>
    public int Mode { get; init; } = 0x8180;
    public int Owner { get; init; }
    public int Inode { get; init; }

    /// <summary>Of a block device its number as stat's %t:%T; otherwise empty.</summary>
    public string Number { get; init; } = "";
    public bool IsMissing { get; init; }
    public bool IsUnseen { get; init; }

    public string RealPath => Real.Length > 0 ? Real : Path;
    public bool IsBlock => Number.Length > 0;

    /// <summary>A guest's block device at rest.</summary>
    public static Img Block(string guest, string path, string number, string real = "") => new(guest, path) { Number = number, Real = real, Mode = 0x61B0, Context = "system_u:object_r:fixed_disk_device_t:s0" };
}

/// <summary>Answers of a host that has some images, as the scripts of Tools print them: a KVM host with a volume mounted for images at /virtstorage. What a scenario says afterwards takes the place of it.</summary>
internal static class ImageHost
{
    public const string Store = "/virtstorage/";
    public const string Default = "/var/lib/libvirt/images/";

    public const string PolicyRules = """
        /.*	system_u:object_r:default_t:s0
        /home/[^/]+/.+	system_u:object_r:user_home_t:s0
        /usr/.*	system_u:object_r:usr_t:s0
        /var/lib/libvirt/images(/.*)?	system_u:object_r:virt_image_t:s0
        /var/lib/libvirt/isos(/.*)?	system_u:object_r:virt_content_t:s0
        /var/lib/xen/images(/.*)?	system_u:object_r:xen_image_t:s0

        """;

    /// <summary>Where the policy's rules for labels lie.</summary>
    public const string Rules = "/etc/selinux/default/contexts/files/";

    public const string LocalRules = "/virtstorage(/.*)?\tsystem_u:object_r:virt_image_t:s0\n";

    public static readonly string[] MountLines =
    [
        "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,seclabel",
        "23 22 253:0 / /virtstorage rw,nosuid,nodev,noexec,relatime shared:2 - ext4 /dev/mapper/vg-store rw,seclabel",
    ];

    public const string RawContext = "system_u:object_r:virt_image_t:s0";

    /// <summary>The host with these images.</summary>
    public static ScenarioHost With(ScenarioHost host, params Img[] images)
    {
        var numbered = images.Select((image, i) => image.Inode > 0 ? image : image with { Inode = 100 + i }).ToArray();
        var guests = numbered.Where(image => image.Guest.Length > 0).GroupBy(image => (image.Guest, image.IsRunning)).ToArray();
        foreach (var guest in guests) host.File(guest.Key.IsRunning ? $"/run/libvirt/qemu/{guest.Key.Guest}.xml" : $"/etc/libvirt/qemu/{guest.Key.Guest}.xml", Definition(guest.Key.Guest, guest.Key.IsRunning, guest));
        var running = guests.Where(guest => guest.Key.IsRunning).Select(guest => guest.ToArray()).ToArray();
        return Contexts(host.Enforcing(), LocalRules).File(Rules + "file_contexts", PolicyRules)
            .Says("processes", Processes([.. running.Select(guest => guest[0].Guest)])).Says("xl-list", Domains([.. running.Select(guest => guest[0].Guest)]))
            .Says("image-paths", Looks(numbered)).Says("image-paths-remote", "").Says("guest-holds", string.Concat(running.Select((guest, i) => Holds(7 + i, guest[0].Guest, $"s0:c{(2 * i) + 1},c{(2 * i) + 2}", guest))))
            .Says("mounts", string.Join('\n', MountLines) + "\n")
            .Says("store-inodes", Root("/", "root_t") + Root("/virtstorage", "virt_image_t"))
            .Says("image-access", Access(numbered)).Says("image-chains", "end").Says("booleans", "virt_use_nfs:0 0\n")
            .Says("store-free-space", "/\01000000\04096\0/virtstorage\01000000\04096\0")
            .File("/etc/fstab", "/dev/vda1 / ext4 defaults 0 1\n/dev/vg/store /virtstorage ext4 nodev,nosuid,noexec,nofail,x-systemd.before=libvirtd.service 0 0\n")
            .Says("fstab-verified", "Success, no errors or warnings detected\n");
    }

    /// <summary>Other rules of the administrator's.</summary>
    public static ScenarioHost Contexts(ScenarioHost host, string local) => host.Without(Rules + "file_contexts.local").File(Rules + "file_contexts.local", local);

    /// <summary>The same without SELinux, and without its rules.</summary>
    public static ScenarioHost WithoutSELinux(ScenarioHost host) => host.Without("/sys/fs/selinux").Without("/etc/selinux");

    /// <summary>A guest's QEMU, with what it has open.</summary>
    public static string Holds(int process, string guest, string range, params IEnumerable<Img> images) => $"guest {process} {guest}\nlabel system_u:system_r:svirt_t:{range}\n" + string.Concat(images.Where(image => !image.IsMissing && !image.IsUnseen).Select(image =>
        image.IsBlock ? $"node {image.Number} system_u:object_r:svirt_image_t:{range}\n" : $"open {DeviceOf(image)}:{image.Inode} {image.Mode:x} 0:0 {image.Context}\n"));

    /// <summary>The processes of a host that runs these guests' QEMUs; an empty name: one that libvirt did not start.</summary>
    public static string Processes(params string[] guests) => "1/exe:/usr/lib/systemd/systemd\0" + string.Concat(guests.Select((_, i) => $"{7 + i}/exe:/usr/bin/qemu-system-x86_64\0")) + "\01/status:Name:\tsystemd\n"
        + string.Concat(guests.Select((guest, i) => $"{7 + i}/status:Name:\tqemu-system-x86\n{(guest.Length == 0 ? "" : $"{7 + i}/cmdline:guest={guest}\n")}"));

    /// <summary>The guests of a dom0, as xl list shows them.</summary>
    public static string Domains(params string[] guests) => "Name                                        ID   Mem VCPUs\tState\tTime(s)\nDomain-0                                     0  2048     2     r-----      12.3\n" + string.Concat(guests.Select((guest, i) => $"{guest}    {i + 1}   512     1     -b----       3.2\n"));

    /// <summary>Other mounts besides that of the root.</summary>
    public static ScenarioHost Mounts(ScenarioHost host, params string[] lines) => host.Says("mounts", string.Join('\n', lines.Prepend(MountLines[0])) + "\n");

    public static string Root(string path, string type) => $"{path}\041ed\00\0root\0755\0system_u:object_r:{type}:s0\0";

    /// <summary>A definition that is no XML.</summary>
    public static ScenarioHost Broken(ScenarioHost host) => host.File("/etc/libvirt/qemu/odd.xml", "<domain>");

    private static string Definition(string guest, bool isRunning, IEnumerable<Img> images)
    {
        var disks = string.Concat(images.Select(image => $"<disk type='{(image.IsBlock ? "block" : "file")}' device='{image.Device}'>{(image.Format is null ? "" : $"<driver name='qemu' type='{image.Format}'/>")}<source {(image.IsBlock ? "dev" : "file")}='{SecurityElement.Escape(image.Path)}'/>{image.Inside}</disk>"));
        var domain = $"<domain type='kvm'><name>{guest}</name><devices>{disks}</devices></domain>";
        return isRunning ? $"<domstatus state='running' pid='7'>{domain}</domstatus>" : domain;
    }

    private static string Looks(IReadOnlyCollection<Img> images) => "g\0\0" + Looked([.. images.Where(image => image.Guest.Length > 0)]) + "d\0\0" + Looked([.. images.Where(image => image.Guest.Length == 0)]);

    private static string Looked(IReadOnlyCollection<Img> images)
    {
        if (images.Count == 0) return "";
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"n\0{images.Count}\0");
        foreach (var image in images) text.Append(image.Path).Append('\0');
        foreach (var image in images) text.Append(image.RealPath).Append('\0');
        foreach (var image in images.Where(image => image.IsMissing || image.IsUnseen)) text.Append(CultureInfo.InvariantCulture, $"{(image.IsMissing ? 'm' : 'u')}\0{image.Path}\0");
        foreach (var image in images.Where(image => !image.IsMissing && !image.IsUnseen))
            text.Append(CultureInfo.InvariantCulture, $"i\0{image.Path}\0{image.Mode:x}\01048576\02048\0{DeviceOf(image)}:{image.Inode}\0{(image.IsBlock ? image.Number : "0:0")}\0{image.Context}\0");
        return text.ToString();
    }

    /// <summary>The number of its file system as stat's %d packs it: 254:1, and 253:0 below /virtstorage.</summary>
    private static int DeviceOf(Img image) => image.RealPath.StartsWith(Store, StringComparison.Ordinal) ? (253 << 8) | 0 : (254 << 8) | 1;

    private static string Access(IEnumerable<Img> images)
    {
        var text = new StringBuilder("64055\064055 108\0/\041ed 0 0\0");
        foreach (var directory in images.SelectMany(image => Above(image.RealPath)).Distinct())
            text.Append(CultureInfo.InvariantCulture, $"{directory}\0{(directory + "/" is Store or Default ? "41c9" : "41ed")} 0 0\0");
        foreach (var image in images.Where(image => !image.IsMissing).DistinctBy(image => image.RealPath)) text.Append(CultureInfo.InvariantCulture, $"{image.RealPath}\0{image.Mode:x} {image.Owner} 0\0");
        return text.ToString();
    }

    private static IEnumerable<string> Above(string path)
    {
        for (var slash = path.IndexOf('/', 1); slash > 0; slash = path.IndexOf('/', slash + 1)) yield return path[..slash];
    }
}
