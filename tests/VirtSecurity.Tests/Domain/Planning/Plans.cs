using System.Text;
using VirtSecurity.Planning;
using Xunit;

namespace VirtSecurity.Tests.Domain.Planning;

/// <summary>A plan with everything in it, in both languages, and shorthand for reading one.</summary>
internal static class Plans
{
    public const string FullPsd1 = """
        # What kvm1 is for.
        @{
            FormatVersion  = 1
            hypervisor     = "kvm"          # PowerShell does not care for case
            Services       = @(
                @{ Name = 'sshd.service'; Purpose = 'log-in of administrators' }
                @{ Name = 'virt*d.socket' }
            )
            Sockets        = @{ Port = 22; Protocol = 'tcp'; Service = 'sshd'; From = '192.0.2.0/24', '2001:db8::/32' },
                             @{ Port = 49152; LastPort = 49215; Protocol = 'TCP'; Address = '192.0.2.1' }
            Users          = 'ann'
            Administrators = @('bob'; 'EXAMPLE\carol')
            Booleans       = @{ virt_use_nfs = $true; virt_use_usb = $FALSE }
            Networks       = @(
                @{ Name = 'admin'; Role = 'Management'; Interfaces = 'eth0' }
                @{ Name = 'guests'; Role = 'Guest'; Interfaces = @('br0', 'br0.7'); IsRouted = $true }
            )
            Volumes        = @(
                @{ VolumeGroup = 'vg0'; Name = 'web'; MountPoint = '/virtstorage/web'; Size = 20GB; FileSystem = 'XFS' }
                @{ VolumeGroup = 'vg0'; Name = 'disk'; Size = '1.5 TB' }
                @{ DevicePath = '/dev/sdb1'; MountPoint = '/srv/images' }
            )
            Guests         = @(
                @{
                    Name     = 'it''s web'
                    Services = @{ Name = 'https'; Purpose = 'the shop' }
                    Needs    = 'Migration', 'RemoteDisplay'
                    Networks = 'guests'
                }
                @{ Name = 'mail' }
            )
            <# One that the owner of the
               firewall has agreed to. #>
            Waivers        = @{ Id = 'FWL-08'; Reason = 'the filter costs too much'; Owner = 'ann@example.org'; Expires = '2030-12-31' }
        }
        """;

    public const string FullJson = """
        {
          "$schema": "VirtSecurity.DeploymentPlan.schema.json",
          "FormatVersion": 1,
          "Hypervisor": "Kvm",
          "Services": [ { "Name": "sshd.service", "Purpose": "log-in of administrators" }, { "Name": "virt*d.socket", "Purpose": null } ],
          "Sockets": [
            { "Port": 22, "Protocol": "tcp", "Service": "sshd", "From": ["192.0.2.0/24", "2001:db8::/32"] },
            { "Port": 49152.0, "LastPort": 49215, "Protocol": "tcp", "Address": "192.0.2.1" }
          ],
          "Users": ["ann"],
          "Administrators": ["bob", "EXAMPLE\\carol"],
          "Booleans": { "virt_use_nfs": true, "virt_use_usb": false },
          "Networks": [
            { "Name": "admin", "Role": "Management", "Interfaces": ["eth0"] },
            { "Name": "guests", "Role": "Guest", "Interfaces": ["br0", "br0.7"], "IsRouted": true }
          ],
          "Volumes": [
            { "VolumeGroup": "vg0", "Name": "web", "MountPoint": "/virtstorage/web", "Size": 21474836480, "FileSystem": "xfs" },
            { "VolumeGroup": "vg0", "Name": "disk", "Size": "1.5 TB" },
            { "DevicePath": "/dev/sdb1", "MountPoint": "/srv/images" }
          ],
          "Guests": [
            { "Name": "it's web", "Services": [ { "Name": "https", "Purpose": "the shop" } ], "Needs": ["Migration", "RemoteDisplay"], "Networks": ["guests"] },
            { "Name": "mail" }
          ],
          "Waivers": [ { "Id": "FWL-08", "Reason": "the filter costs too much", "Owner": "ann@example.org", "Expires": "2030-12-31" } ]
        }
        """;

    public static PlanReading Read(string file, string text, params string[]? checks) => PlanReading.Of(file, Encoding.UTF8.GetBytes(text.ReplaceLineEndings("\n")), checks is [] ? null : checks);

    public static DeploymentPlan Valid(string file, string text)
    {
        var reading = Read(file, text);
        Assert.Empty(reading.Problems.Select(problem => problem.Message));
        return reading.Plan!;
    }

    /// <summary>All that a plan says, as one text: two plans are the same if these are.</summary>
    public static string Said(DeploymentPlan plan) => Encoding.UTF8.GetString(PlanWriter.Write("said.json", plan));

    /// <summary>Id, line and key of each problem.</summary>
    public static IEnumerable<string> Told(PlanReading reading) => reading.Problems.Select(problem => $"{problem.Id} {problem.Message}");
}
